/* SPDX-License-Identifier: Apache-2.0 */
/* timed FILE PROGRAM ARGUMENT...: runs a hook and appends to FILE how many nanoseconds it took. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv)
{
	char line[32], *environment[] = { NULL };
	int status = 1, file, bytes;
	long start;
	pid_t pid;

	if (argc < 3)
		return 2;
	file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	start = now();
	if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environment) ||
	    waitpid(pid, &status, 0) < 0)
		return 1;
	bytes = snprintf(line, sizeof(line), "%ld\n", now() - start);
	return write(file, line, bytes) == bytes && status == 0 ? 0 : 1;
}
