/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness: what the witnesses inside a container share. They keep the score by themselves,
 * in a file that the host can read while they run, and do not trust what the gate or mapd
 * say: a forbidden program tells by itself that it ran.
 */
#ifndef HOLDFAST_WITNESS_H
#define HOLDFAST_WITNESS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct score {
	unsigned long tried;	/* forbidden execs that were tried */
	unsigned long refused;	/* and did not happen */
	unsigned long ran;	/* and did */
	unsigned long odd;	/* neither: an unexpected end of the child */
	unsigned long allowed;	/* allowed execs that were tried */
	unsigned long wronged;	/* and did not happen */
	unsigned long ended;	/* workers that came to their end */
};

static struct score *score;
enum { REFUSED = 113, ALLOWED = 42 };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* `size` bytes of a file, shared with all who map it. */
static void *map_file(const char *path, int flags, size_t size)
{
	int file = open(path, flags, 0666);
	void *memory;

	if (file < 0 || ((flags & O_CREAT) && ftruncate(file, size)))
		die(path);
	memory = mmap(NULL, size, flags & O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	close(file);
	return memory;
}

static void add(unsigned long *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

/* The status of a child that tries to become `program`. */
static int try(const char *program, const char *tally)
{
	char *arguments[] = { (char *)program, (char *)tally, NULL };
	int status;
	pid_t child = vfork();

	if (child < 0)
		return -1;
	if (child == 0) {
		execve(program, arguments, NULL);
		_exit(REFUSED);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return status;
}

/* By an error of the kernel, or killed before the first instruction. */
static int is_refused(int status)
{
	return (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) ||
	       (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int has_run(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == ALLOWED;
}

#endif
