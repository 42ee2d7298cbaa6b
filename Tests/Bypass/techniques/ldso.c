// SPDX-License-Identifier: Apache-2.0
// The dynamic linker called as a program, with the payload as its argument.
#include "bypass.h"

extern char **environ;

static void make(void)
{
	image_copy("witness-dynamic", in("foreign"));
	image_copy("ldso", in("loader"));
}

static void do_loader(void *unused)
{
	char *arguments[] = {(char *)in("/loader"), (char *)FOREIGN, NULL};

	(void)unused;
	execve(arguments[0], arguments, environ);
}

TECHNIQUE_WITH_IMAGE(ldso, "ldso", make)
{
	return attempt(do_loader, NULL);
}

static void make_control(void)
{
	image_copy("genuine-dynamic", in("allowed"));
}

// A listed program needs no rule for its dynamic linker.
TECHNIQUE_WITH_IMAGE(control_dynamic, "control-dynamic", make_control)
{
	return exec_path(GENUINE);
}
