// SPDX-License-Identifier: Apache-2.0
// The task stays in the container's mount namespace; the file comes from
// another one, by a descriptor or by /proc/<pid>/root.
#include "bypass.h"

static int open_bound(void)
{
	enter_user_namespace(CLONE_NEWNS);
	need(mount(FOREIGN, GENUINE, NULL, MS_BIND, NULL), "bind mount");
	return need(open(GENUINE, O_RDONLY | O_CLOEXEC), "open");
}

TECHNIQUE(nested_fd, "nested-fd-passing")
{
	int fd, result;
	pid_t keeper = keep_in_background(open_bound, &fd);

	result = exec_fd(fd);
	kill(keeper, SIGKILL);
	return result;
}

TECHNIQUE(nested_root, "proc-root-nested")
{
	int fd, result;
	pid_t keeper = keep_in_background(open_bound, &fd);

	result = exec_path(text("/proc/%d/root%s", keeper, GENUINE));
	kill(keeper, SIGKILL);
	return result;
}

static int open_clone(void)
{
	enter_user_namespace(CLONE_NEWNS);
	return need(syscall(SYS_open_tree, AT_FDCWD, "/foreign-root",
			    1 /* OPEN_TREE_CLONE */ | O_CLOEXEC),
		    "open_tree");
}

TECHNIQUE(detached_fd, "detached-fd-passing")
{
	int fd, result;
	pid_t keeper = keep_in_background(open_clone, &fd);

	result = exec_at(fd, "allowed/detached-fd-passing");
	kill(keeper, SIGKILL);
	return result;
}
