// SPDX-License-Identifier: Apache-2.0
// Tasks whose parent is not the workload: the container runtime's own processes
// look like that when they enter a container. Works where the pid namespace is
// not the container's own; in an own one the container's init adopts.
#include "bypass.h"

enum kind { ORPHAN, SIBLING, NESTED };

// Executes in a grandchild; the pipe tells its end, as wait() cannot.
static void grandchild(enum kind kind, pid_t parent, int report)
{
	int error;

	while (getppid() == parent)
		usleep(1000);
	if (kind == SIBLING) {
		// a child of our new parent, not of ours
		pid_t sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
		if (sibling > 0)
			_exit(0);
		if (sibling < 0)
			skip("CLONE_PARENT: %s", strerror(errno));
	}
	if (kind == NESTED)
		enter_user_namespace(CLONE_NEWNS);
	do_exec_path((void *)FOREIGN);
	error = errno;
	write(report, &error, sizeof(error));
	_exit(0);
}

static int far_away(enum kind kind)
{
	int report[2], error = 0;
	pid_t child;

	need(pipe(report), "pipe");
	child = need(fork(), "fork");
	if (child == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			close(report[0]);
			grandchild(kind, parent, report[1]);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	close(report[1]);
	// ends when the payload has ended: it inherits the pipe
	if (read(report[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	if (witnessed() == RAN)
		return RAN;
	if (error && error != EPERM)
		skip("exec: %s", strerror(error));
	return REFUSED;
}

TECHNIQUE(orphan, "orphan")
{
	return far_away(ORPHAN);
}

TECHNIQUE(clone_parent, "clone-parent")
{
	return far_away(SIBLING);
}

// And in another mount namespace, like a runtime that has not entered yet.
TECHNIQUE(orphan_nested, "orphan-nested")
{
	return far_away(NESTED);
}
