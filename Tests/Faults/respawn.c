// SPDX-License-Identifier: Apache-2.0
/*
 * respawn PID CGROUP: a process with that number, in that cgroup and in a mount namespace
 * of its own, until it is killed. Exits 1 when the number cannot be had.
 */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	pid_t wanted = count == 3 ? atoi(arguments[1]) : 0;
	struct clone_args how = {
		.flags = CLONE_NEWNS,
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&wanted,
		.set_tid_size = 1,
	};
	char path[4096];
	FILE *procs;
	long child;

	if (!wanted)
		return 2;
	child = syscall(SYS_clone3, &how, sizeof(how));
	if (child < 0) {
		perror("clone3");
		return 1;
	}
	if (child == 0) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO); /* somebody may wait for its end */
		close(STDERR_FILENO);
		for (;;)
			pause();
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", arguments[2]);
	procs = fopen(path, "w");
	if (!procs || fprintf(procs, "%ld\n", child) < 0 || fclose(procs)) {
		perror(path);
		kill(child, SIGKILL);
		return 1;
	}
	printf("%ld\n", child);
	return 0;
}
