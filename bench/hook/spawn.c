/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn ROUNDS LIMIT STATE NOTHING HOOK SOCKET
 *
 * Starts three programs in turn, ROUNDS times: the do-nothing, the hook, the
 * do-nothing again, beginning with another one each round, so that whatever else
 * the machine does falls on all alike. Each gets a pipe that already holds the
 * state. Times from before posix_spawn until wait4 returns.
 *
 * Prints medians, the ratio hook/do-nothing with a 95% interval (bootstrap), and
 * the ratio of the do-nothing to itself: the noise. Exits 1 when the hook's ratio
 * is above LIMIT or a program fails.
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

enum { NOTHING, HOOK, AGAIN, PROGRAMS };

static char state[65536];
static size_t state_bytes;
static long max_rss[PROGRAMS];

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

/* Microseconds, or a negative number when the program failed. */
static double start(char **argv, int program)
{
	posix_spawn_file_actions_t actions;
	char *environment[] = { NULL };
	struct rusage usage;
	double begin;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) || write(ends[1], state, state_bytes) != (ssize_t)state_bytes)
		return -1;
	close(ends[1]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	begin = now();
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environment))
		return -1;
	wait4(pid, &status, 0, &usage);
	begin = now() - begin;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	if (usage.ru_maxrss > max_rss[program])
		max_rss[program] = usage.ru_maxrss;
	return status ? -1 : begin;
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(const double *times, int count, double *scratch)
{
	memcpy(scratch, times, count * sizeof(*times));
	qsort(scratch, count, sizeof(*scratch), ascending);
	return count % 2 ? scratch[count / 2] : (scratch[count / 2 - 1] + scratch[count / 2]) / 2;
}

/* Prints the ratio of two medians and the interval that rounds drawn again give it. */
static double ratio(const char *name, const double *a, const double *b, int count)
{
	enum { DRAWS = 400 };
	double *scratch = calloc(count, 8), *x = calloc(count, 8), *y = calloc(count, 8);
	double drawn[DRAWS], value = median(a, count, scratch) / median(b, count, scratch);

	srandom(1);
	for (int draw = 0; draw < DRAWS; draw++) {
		for (int i = 0; i < count; i++) {
			int round = random() % count;

			x[i] = a[round];
			y[i] = b[round];
		}
		drawn[draw] = median(x, count, scratch) / median(y, count, scratch);
	}
	qsort(drawn, DRAWS, sizeof(*drawn), ascending);
	printf("%-24s %.3f  (95%%: %.3f to %.3f)\n", name, value, drawn[DRAWS / 40],
	       drawn[DRAWS - 1 - DRAWS / 40]);
	free(scratch);
	free(x);
	free(y);
	return value;
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	char *nothing[] = { argv[4], NULL };
	char *hook[] = { argv[5], "--socket", argv[6], "--fail", "closed", "createRuntime", NULL };
	char **programs[PROGRAMS] = { nothing, hook, nothing };
	int rounds = atoi(argv[1]), file = open(argv[3], O_RDONLY | O_CLOEXEC);
	double *times[PROGRAMS], *scratch = calloc(rounds, 8), limit = atof(argv[2]);
	ssize_t count = read(file, state, sizeof(state));

	if (count <= 0 || rounds <= 0)
		return 2;
	state_bytes = count;
	for (int program = 0; program < PROGRAMS; program++)
		times[program] = calloc(rounds, 8);
	for (int round = -20; round < rounds; round++) {
		for (int turn = 0; turn < PROGRAMS; turn++) {
			int program = (turn + round + PROGRAMS * 20) % PROGRAMS;
			double time = start(programs[program], program);

			if (time < 0) {
				fprintf(stderr, "%s failed\n", programs[program][0]);
				return 1;
			}
			if (round >= 0) /* the first ones warm the page cache */
				times[program][round] = time;
		}
	}
	printf("%d rounds, %zd bytes of state\n", rounds, count);
	printf("%-24s %6.0f us  %5ld kB\n", "do-nothing, static",
	       median(times[NOTHING], rounds, scratch), max_rss[NOTHING]);
	printf("%-24s %6.0f us  %5ld kB\n", "oci-hook", median(times[HOOK], rounds, scratch),
	       max_rss[HOOK]);
	ratio("noise: nothing/nothing", times[AGAIN], times[NOTHING], rounds);
	return ratio("oci-hook/do-nothing", times[HOOK], times[NOTHING], rounds) > limit;
}
