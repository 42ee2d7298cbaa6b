// SPDX-License-Identifier: Apache-2.0
// What must run: a gate that refuses everything is no gate.
#include "bypass.h"

TECHNIQUE(control_direct, "control-direct")
{
	return exec_path(GENUINE);
}

TECHNIQUE(control_symlink, "control-symlink")
{
	need(symlink(GENUINE, "/scratch/control-symlink"), "symlink");
	return exec_path("/scratch/control-symlink");
}

static void make_rule(void)
{
	// listed by the link's name only
	image_program("tmp/control-symlink-rule-target", false);
	need(symlink("../tmp/control-symlink-rule-target", "bypass/control-symlink-rule"),
	     "symlink");
	image_list("/bypass/control-symlink-rule");
}

TECHNIQUE_WITH_IMAGE(control_symlink_rule, "control-symlink-rule", make_rule)
{
	return exec_path("/bypass/control-symlink-rule");
}

static void make_tree(void)
{
	mkdir("tree/sub", 0755);
	image_program("tree/sub/control-tree", false);
}

TECHNIQUE_WITH_IMAGE(control_tree, "control-tree", make_tree)
{
	return exec_path("/tree/sub/control-tree");
}

static void make_volume(void)
{
	image_program("../volume/control-volume", false);
	image_list("/volume/control-volume");
}

// On a volume that was mounted before the start.
TECHNIQUE_WITH_IMAGE(control_volume, "control-volume", make_volume)
{
	return exec_path("/volume/control-volume");
}

TECHNIQUE(control_fd, "control-execveat")
{
	return exec_fd(need(open(GENUINE, O_RDONLY | O_CLOEXEC), GENUINE));
}
