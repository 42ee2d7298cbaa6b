// SPDX-License-Identifier: Apache-2.0
// The plain case, without a trick: the payload by its own path.
#include "bypass.h"

TECHNIQUE(direct, "direct")
{
	return exec_path(FOREIGN);
}
