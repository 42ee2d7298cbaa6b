// SPDX-License-Identifier: Apache-2.0
// Not the file but a folder of its path is a symlink.
#include "bypass.h"

TECHNIQUE(symlinked_parent, "symlinked-parent")
{
	need(symlink("/foreign", "/scratch/parent"), "symlink");
	return exec_path("/scratch/parent/symlinked-parent");
}
