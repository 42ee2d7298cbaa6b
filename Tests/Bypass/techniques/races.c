// SPDX-License-Identifier: Apache-2.0
// Two processes: one changes what the path means while the other executes it.
// Refused or the genuine program, as it falls; the payload never.
#include "bypass.h"

static int tries(void)
{
	const char *number = getenv("TRIES");

	return number ? atoi(number) : 2000;
}

static int race(void (*turn)(void), const char *path)
{
	int result = ALLOWED, refused = 0, allowed = 0;
	pid_t racer = need(fork(), "fork");

	if (racer == 0)
		for (;;)
			turn();
	for (int i = 0; i < tries() && result != RAN; i++) {
		result = exec_path(path);
		refused += result == REFUSED;
		allowed += result == ALLOWED;
		if (result == SKIPPED || (result == TROUBLE && errno != ENOENT))
			break;
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	if (result == RAN)
		return RAN;
	// both outcomes are right; one of them must have been seen
	return refused ? REFUSED : allowed ? ALLOWED : TROUBLE;
}

static void exchange(void)
{
	syscall(SYS_renameat2, AT_FDCWD, FOREIGN, AT_FDCWD, GENUINE, 2 /* EXCHANGE */);
}

TECHNIQUE(rename_race, "rename-race")
{
	return race(exchange, GENUINE);
}

// A symlink that points to the listed program, then to the payload, and back.
static void turn_link(void)
{
	syscall(SYS_renameat2, AT_FDCWD, "/scratch/link-a", AT_FDCWD, "/scratch/link-b", 2);
}

TECHNIQUE(symlink_race, "symlink-race")
{
	need(symlink(GENUINE, "/scratch/link-a"), "symlink");
	need(symlink(FOREIGN, "/scratch/link-b"), "symlink");
	return race(turn_link, "/scratch/link-a");
}
