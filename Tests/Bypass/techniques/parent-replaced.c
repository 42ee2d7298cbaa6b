// SPDX-License-Identifier: Apache-2.0
// The folder of a listed program is replaced by a symlink to the payload's.
#include "bypass.h"

static void make(void)
{
	mkdir("allowed-folder", 0755);
	mkdir("foreign-folder", 0755);
	image_program("allowed-folder/parent-replaced", false);
	image_program("foreign-folder/parent-replaced", true);
	image_list("/allowed-folder/parent-replaced");
}

TECHNIQUE_WITH_IMAGE(parent_replaced, "parent-replaced", make)
{
	need(unlink("/allowed-folder/parent-replaced"), "unlink");
	need(rmdir("/allowed-folder"), "rmdir");
	need(symlink("/foreign-folder", "/allowed-folder"), "symlink");
	return exec_path("/allowed-folder/parent-replaced");
}
