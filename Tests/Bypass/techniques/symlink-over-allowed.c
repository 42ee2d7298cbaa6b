// SPDX-License-Identifier: Apache-2.0
// A symlink to the payload in the place of a listed program.
#include "bypass.h"

TECHNIQUE(symlink_over_allowed, "symlink-over-allowed")
{
	need(unlink(GENUINE), "unlink");
	need(symlink(FOREIGN, GENUINE), "symlink");
	return exec_path(GENUINE);
}
