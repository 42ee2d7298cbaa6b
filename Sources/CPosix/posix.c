/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CPosix.h"
#include <fcntl.h>

static int saved_argc;
static char **saved_argv;

/* glibc hands main's arguments to constructors too. */
__attribute__((constructor)) static void save_arguments(int argc, char **argv)
{
	saved_argc = argc;
	saved_argv = argv;
}

const char *posix_argument(int index)
{
	return index < saved_argc ? saved_argv[index] : NULL;
}

int posix_open(const char *path, int flags, unsigned int mode)
{
	return open(path, flags | O_CLOEXEC, mode);
}

int posix_errno(void)
{
	return errno;
}

const char *posix_error_text(int error)
{
	return strerrordesc_np(error);
}

void posix_ignore_sigpipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

void posix_alarm_after(long milliseconds, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	struct itimerval timer = {
		.it_value = { milliseconds / 1000, milliseconds % 1000 * 1000 },
	};
	sigset_t alarm_set;

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_set, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}
