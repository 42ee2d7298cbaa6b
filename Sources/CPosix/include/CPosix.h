/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libc pieces of the hook. Embedded Swift has neither a Glibc module nor
 * CommandLine, and macros such as errno and SIG_IGN do not import; the functions
 * here do no more than that.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* NULL beyond the last argument. */
const char *posix_argument(int index);

/* open(2) with close-on-exec, without its variable arguments. */
int posix_open(const char *path, int flags, unsigned int mode);

int posix_errno(void);
/* Untranslated, so that no locale is loaded. NULL for an unknown number. */
const char *posix_error_text(int error);

void posix_ignore_sigpipe(void);

/* Calls handler after the given time, whatever signal mask was inherited. */
void posix_alarm_after(long milliseconds, void (*handler)(int));
