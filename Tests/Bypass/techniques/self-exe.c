// SPDX-License-Identifier: Apache-2.0
// /proc/self/exe of a listed program that lost its place. The file is a copy of
// the driver, which plays the payload in its second life.
#include "bypass.h"

extern char **environ;

static void do_self(void *word)
{
	char *arguments[] = {"self-exe", word, NULL};

	execve("/proc/self/exe", arguments, environ);
}

// Runs as /allowed/<name>, executed by start() below.
int re_exec(const char *how, const char *name)
{
	technique_name = name;
	if (!strcmp(how, "same"))
		return attempt(do_self, "genuine");
	if (!strcmp(how, "renamed"))
		need(rename(GENUINE, in("/tmp")), "rename");
	else
		need(unlink(GENUINE), "unlink");
	return attempt(do_self, "payload");
}

static void make(void)
{
	image_copy("driver", in("allowed"));
}

static void do_driver(void *how)
{
	char *arguments[] = {(char *)GENUINE, "re-exec", how, (char *)technique_name, NULL};

	execve(GENUINE, arguments, environ);
}

TECHNIQUE_WITH_IMAGE(self_exe_renamed, "self-exe-renamed", make)
{
	return attempt(do_driver, "renamed");
}

TECHNIQUE_WITH_IMAGE(self_exe_deleted, "self-exe-deleted", make)
{
	return attempt(do_driver, "deleted");
}

TECHNIQUE_WITH_IMAGE(control_self_exe, "control-self-exe", make)
{
	return attempt(do_driver, "same");
}
