/* SPDX-License-Identifier: Apache-2.0 */
/*
 * requests SOCKET SECONDS: asks a mapd what hooks ask, as fast as it answers. Standard input
 * has a line `ID PID BUNDLE` for each container that waits in its createRuntime hook; each has
 * a client of its own, which asks createRuntime and then poststop, over and over, a connection
 * each as hooks have. Prints the nanoseconds of every createRuntime, from before connect until
 * the answer is whole, a line each; standard output is a file that is appended to. Exit code 1 when an answer is not `bound` or `removed`.
 */
#include "request.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { TIMES_MAX = 1 << 20 };

struct container {
	char id[256], bundle[4096];
	int pid;
};

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static long times[TIMES_MAX];
static char lines[TIMES_MAX * 12]; /* written at once: clients share the file */

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static int work(const struct container *c, double seconds)
{
	unsigned char create[8192], stop[8192];
	size_t create_bytes = encode(create, c->id, c->bundle, c->pid, CREATE_RUNTIME, CREATING);
	size_t stop_bytes = encode(stop, c->id, c->bundle, 0, POSTSTOP, STOPPED);
	long end = now() + seconds * 1e9, start;
	int count = 0, outcome;

	while (count < TIMES_MAX && (start = now()) < end) {
		outcome = ask(&address, create, create_bytes);
		times[count++] = now() - start;
		if (outcome != BOUND || (outcome = ask(&address, stop, stop_bytes)) != REMOVED) {
			fprintf(stderr, "requests: container %s: outcome %d\n", c->id, outcome);
			return 1;
		}
	}
	for (int n = 0, bytes = 0; n < count; n++) {
		bytes += sprintf(lines + bytes, "%ld\n", times[n]);
		if (n + 1 == count && write(STDOUT_FILENO, lines, bytes) != bytes)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct container c;
	int status, failed = 0;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	while (scanf("%255s %d %4095s", c.id, &c.pid, c.bundle) == 3) {
		if (fork() == 0)
			_exit(work(&c, atof(argv[2])));
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
