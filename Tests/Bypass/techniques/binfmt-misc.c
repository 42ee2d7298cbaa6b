// SPDX-License-Identifier: Apache-2.0
// A format registered with binfmt_misc makes the payload the interpreter of a
// listed data file.
#include "bypass.h"

static void make(void)
{
	put_text(in("allowed"), text("BYPASS:%s\n", technique_name));
}

static void register_format(const char *folder)
{
	mkdir(folder, 0755);
	need(mount("binfmt_misc", folder, "binfmt_misc", 0, NULL), "mount binfmt_misc");
	append(text("%s/register", folder),
	       text(":%s:M::BYPASS\\x3a%s::%s:", technique_name, technique_name, FOREIGN),
	       "register");
}

TECHNIQUE_WITH_IMAGE(binfmt, "binfmt-misc", make)
{
	int result;

	register_format("/scratch/binfmt");
	result = exec_path(GENUINE);
	// registered for the whole machine: take it back
	append(text("/scratch/binfmt/%s", technique_name), "-1", "unregister");
	umount2("/scratch/binfmt", MNT_DETACH);
	return result;
}

static int in_user_namespace(void)
{
	enter_user_namespace(CLONE_NEWNS);
	register_format("/scratch/binfmt-user");
	return 0;
}

static void join_and_exec(void *pid)
{
	// the user namespace only: the mount namespace stays the container's
	int fd = need(open(text("/proc/%d/ns/user", *(pid_t *)pid), O_RDONLY | O_CLOEXEC), "ns");

	need(setns(fd, CLONE_NEWUSER), "setns");
	do_exec_path((void *)GENUINE);
}

// Since Linux 6.7 a user namespace may have formats of its own: no privilege.
TECHNIQUE_WITH_IMAGE(binfmt_user, "binfmt-misc-userns", make)
{
	int ignored;
	pid_t keeper = keep_in_background(in_user_namespace, &ignored);
	int result = attempt(join_and_exec, &keeper);

	kill(keeper, SIGKILL);
	return result;
}
