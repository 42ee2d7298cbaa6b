// SPDX-License-Identifier: Apache-2.0
// A path that begins like a listed one and leaves again by "..".
#include "bypass.h"

TECHNIQUE(dot_dot, "dot-dot")
{
	return exec_path("/allowed/../allowed/./../foreign/dot-dot");
}
