// SPDX-License-Identifier: Apache-2.0
/*
 * storm: the witness inside the container. Executes a forbidden and an allowed program in
 * turns and keeps the score by itself, in a file that the host can read while it runs.
 * It does not trust what the gate or mapd say: the forbidden program tells that it ran.
 *
 *   storm TALLY WORKERS FORBIDDEN ALLOWED [PREFIX]  until TALLY.stop exists; with PREFIX the
 *                               forbidden ones are PREFIX0, PREFIX1, ...: each path once
 *   storm TALLY --burst COUNT WORKERS FORBIDDEN     COUNT forbidden execs, nothing else
 *   storm --read TALLY          prints the score: name value, a line each
 *   (as FORBIDDEN)              run with argument TALLY: counts itself as having run
 *
 * An exec counts as refused when the kernel returned an error, or the child was killed
 * before its first instruction; as run only by the program's own word. Linked statically.
 */
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

static struct score *open_score(const char *path, int flags)
{
	int file = open(path, flags, 0666);

	if (file < 0 || ((flags & O_CREAT) && ftruncate(file, sizeof(*score))))
		die(path);
	score = mmap(NULL, sizeof(*score), flags & O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		     file, 0);
	if (score == MAP_FAILED)
		die("mmap");
	close(file);
	return score;
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

static void try_forbidden(const char *program, const char *tally)
{
	int status;

	add(&score->tried);
	status = try(program, tally);
	if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED)
		add(&score->refused);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		add(&score->refused);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != ALLOWED)
		add(&score->odd);
}

static void try_allowed(const char *program)
{
	int status;

	add(&score->allowed);
	status = try(program, "");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != ALLOWED)
		add(&score->wronged);
}

static void work(const char *tally, const char *forbidden, const char *allowed, const char *prefix)
{
	char stop[4096], path[4096];
	unsigned long n;

	snprintf(stop, sizeof(stop), "%s.stop", tally);
	for (n = 0; access(stop, F_OK); n++) {
		if (prefix)
			snprintf(path, sizeof(path), "%s%lu", prefix, n);
		try_forbidden(prefix ? path : forbidden, tally);
		try_allowed(allowed);
		if (prefix && access(path, F_OK))
			break;
	}
	add(&score->ended);
}

static int print(const char *tally)
{
	open_score(tally, O_RDONLY);
	printf("tried %lu\nrefused %lu\nran %lu\nodd %lu\nallowed %lu\nwronged %lu\nended %lu\n", score->tried,
	       score->refused, score->ran, score->odd, score->allowed, score->wronged, score->ended);
	return 0;
}

int main(int count, char **arguments)
{
	int workers, n;
	long each;

	/* As the forbidden or the allowed program. */
	if (count == 2 && !strstr(arguments[0], "storm")) {
		if (arguments[1][0]) {
			open_score(arguments[1], O_RDWR);
			add(&score->ran);
		}
		return ALLOWED;
	}
	if (count == 3 && !strcmp(arguments[1], "--read"))
		return print(arguments[2]);
	if (count < 5)
		return 2;
	open_score(arguments[1], O_RDWR | O_CREAT);
	if (!strcmp(arguments[2], "--burst")) {
		workers = atoi(arguments[4]);
		each = atol(arguments[3]) / workers;
		for (n = 0; n < workers; n++)
			if (fork() == 0) {
				while (each-- > 0)
					try_forbidden(arguments[5], arguments[1]);
				add(&score->ended);
				_exit(0);
			}
	} else {
		workers = atoi(arguments[2]);
		for (n = 0; n < workers; n++)
			if (fork() == 0) {
				work(arguments[1], arguments[3], arguments[4], count > 5 ? arguments[5] : NULL);
				_exit(0);
			}
	}
	while (wait(NULL) > 0)
		;
	/* The container lives on until its score has been read. */
	if (getpid() == 1)
		for (;;)
			pause();
	return 0;
}
