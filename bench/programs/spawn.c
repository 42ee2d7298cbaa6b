/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn ROUNDS STATE SOCKET PROGRAM...: starts the programs in turn, ROUNDS times, beginning
 * with another one each round, so that whatever else the machine does falls on all alike. Each
 * gets a pipe that already holds STATE. A PROGRAM is `name:path`: name `plain` is started
 * without arguments, `oci-hook` with its own, any other with SOCKET.
 *
 * Prints for each start a line `index nanoseconds cpu-microseconds kilobytes page-faults`, from
 * before posix_spawn until wait4 returns. Exits 1 when a program fails.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROGRAMS_MAX = 16, WARM_UP = 20 };

static char state[65536];
static ssize_t state_bytes;

struct program {
	char *arguments[8];
};

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static long microseconds(struct timeval time)
{
	return time.tv_sec * 1000000 + time.tv_usec;
}

static struct program program_of(char *word, char *socket)
{
	char *path = strchr(word, ':') + 1;

	path[-1] = 0;
	if (!strcmp(word, "plain"))
		return (struct program){ { path } };
	if (!strcmp(word, "oci-hook"))
		return (struct program){ { path, "--socket", socket, "--fail", "closed",
					   "createRuntime" } };
	return (struct program){ { path, socket } };
}

/* Nanoseconds, or a negative number when the program failed. */
static long start(struct program *program, struct rusage *usage)
{
	posix_spawn_file_actions_t actions;
	char *environment[] = { NULL };
	int ends[2], status = 0;
	long begin;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) || write(ends[1], state, state_bytes) != state_bytes)
		return -1;
	close(ends[1]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	begin = now();
	if (posix_spawn(&pid, program->arguments[0], &actions, NULL, program->arguments,
			environment))
		return -1;
	wait4(pid, &status, 0, usage);
	begin = now() - begin;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	return status ? -1 : begin;
}

int main(int argc, char **argv)
{
	struct program programs[PROGRAMS_MAX];
	int rounds, count = argc - 4;
	struct rusage usage;

	if (count < 1 || count > PROGRAMS_MAX)
		return 2;
	rounds = atoi(argv[1]);
	state_bytes = read(open(argv[2], O_RDONLY | O_CLOEXEC), state, sizeof(state));
	if (state_bytes <= 0)
		return 2;
	for (int n = 0; n < count; n++)
		programs[n] = program_of(argv[n + 4], argv[3]);
	for (int round = 0; round < rounds + WARM_UP; round++) {
		for (int turn = 0; turn < count; turn++) {
			int which = (turn + round) % count;
			long time = start(&programs[which], &usage);

			if (time < 0) {
				fprintf(stderr, "spawn: %s failed\n", programs[which].arguments[0]);
				return 1;
			}
			if (round >= WARM_UP)
				printf("%d %ld %ld %ld %ld\n", which, time,
				       microseconds(usage.ru_utime) + microseconds(usage.ru_stime),
				       usage.ru_maxrss, usage.ru_minflt);
		}
	}
	return 0;
}
