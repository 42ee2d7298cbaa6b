/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execs: reads lines `COUNT PROGRAM` from standard input, forks, executes and waits for
 * PROGRAM so often, and answers each line with one of COUNT times in nanoseconds, from
 * before fork until wait returns, or with `failed WAIT-STATUS`. Ends at end of file. It
 * runs as a container's first process or on the host: linked statically.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT_MAX = 100000 };

static long times[COUNT_MAX];

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* 127 << 8: there is no such program, or it may not be executed. */
static int execute(char *program, long *took)
{
	char *arguments[] = { program, NULL }, *environment[] = { NULL };
	long start = now();
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execve(program, arguments, environment);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	*took = now() - start;
	return status;
}

static void answer(char *program, int count)
{
	int status = 0, n;

	for (n = 0; n < count; n++) {
		int one = execute(program, &times[n]);

		status = one ? one : status;
	}
	if (status) {
		printf("failed %d\n", status);
		return;
	}
	for (n = 0; n < count; n++)
		printf("%ld%c", times[n], n + 1 < count ? ' ' : '\n');
}

int main(void)
{
	char program[4096];
	int count;

	while (scanf("%d %4095s", &count, program) == 2) {
		if (count < 1 || count > COUNT_MAX)
			return 2;
		answer(program, count);
		fflush(stdout);
	}
	return 0;
}
