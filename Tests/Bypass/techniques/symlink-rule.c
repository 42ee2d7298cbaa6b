// SPDX-License-Identifier: Apache-2.0
// The rule is written on a symlink of the image. mapd resolves it when the
// container starts; here the link is turned to the payload afterwards.
#include "bypass.h"

static void make(void)
{
	need(symlink("/allowed/symlink-rule", "symlink-rule"), "symlink");
	image_list("/symlink-rule");
}

TECHNIQUE_WITH_IMAGE(symlink_rule, "symlink-rule", make)
{
	need(unlink("/symlink-rule"), "unlink");
	need(symlink(FOREIGN, "/symlink-rule"), "symlink");
	return exec_path("/symlink-rule");
}
