// SPDX-License-Identifier: Apache-2.0
/*
 * storm: the witness inside the container. Executes a forbidden and an allowed program in
 * turns and keeps the score by itself, in a file that the host can read while it runs.
 * It does not trust what the gate or mapd say: the forbidden program tells that it ran.
 *
 *   storm TALLY WORKERS FORBIDDEN ALLOWED [PREFIX]  until TALLY.stop exists; with PREFIX the
 *                               forbidden ones are PREFIX0, PREFIX1, ...: each path once, as
 *                               many as there are; ALLOWED - is none
 *   storm TALLY --after FILE ...  the same, when FILE exists
 *   storm TALLY --burst COUNT WORKERS FORBIDDEN     COUNT forbidden execs, nothing else
 *   storm --read TALLY          prints the score: name value, a line each
 *   (as FORBIDDEN)              run with argument TALLY: counts itself as having run
 *
 * An exec counts as refused when the kernel returned an error, or the child was killed
 * before its first instruction; as run only by the program's own word. Linked statically.
 */
#include "witness.h"

static void try_forbidden(const char *program, const char *tally)
{
	int status;

	add(&score->tried);
	status = try(program, tally);
	if (is_refused(status))
		add(&score->refused);
	else if (!has_run(status))
		add(&score->odd);
}

static void try_allowed(const char *program)
{
	int status;

	add(&score->allowed);
	status = try(program, "");
	if (!has_run(status))
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
		if (prefix && access(path, F_OK))
			break;
		try_forbidden(prefix ? path : forbidden, tally);
		if (strcmp(allowed, "-"))
			try_allowed(allowed);
	}
	add(&score->ended);
}

static int print(const char *tally)
{
	score = map_file(tally, O_RDONLY, sizeof(*score));
	printf("tried %lu\nrefused %lu\nran %lu\nodd %lu\nallowed %lu\nwronged %lu\nended %lu\n", score->tried,
	       score->refused, score->ran, score->odd, score->allowed, score->wronged, score->ended);
	return 0;
}

int main(int count, char **arguments)
{
	int workers, n;
	long each;

	/* As the interpreter of a script: then its name comes first. */
	if (count == 3 && !strstr(arguments[0], "storm")) {
		arguments++;
		count--;
	}
	/* As the forbidden or the allowed program. */
	if (count == 2 && !strstr(arguments[0], "storm")) {
		if (arguments[1][0]) {
			score = map_file(arguments[1], O_RDWR, sizeof(*score));
			add(&score->ran);
		}
		return ALLOWED;
	}
	if (count == 3 && !strcmp(arguments[1], "--read"))
		return print(arguments[2]);
	if (count < 5)
		return 2;
	score = map_file(arguments[1], O_RDWR | O_CREAT, sizeof(*score));
	if (!strcmp(arguments[2], "--after")) {
		while (access(arguments[3], F_OK))
			usleep(10000);
		arguments[3] = arguments[1];
		arguments += 2;
		count -= 2;
	}
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
