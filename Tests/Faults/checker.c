// SPDX-License-Identifier: Apache-2.0
/*
 * checker: the witness of policy changes. The host tells which of four programs the policy
 * in force allows, and before each change which ones the next one does. Every exec must be
 * as one of the two says; and once one was as the new one says, all later ones must be.
 *
 *   checker TALLY                        until TALLY.stop exists; reads TALLY.policy
 *   checker --say POLICY SERIAL OLD NEW  the host's word: OLD and NEW are masks of the
 *                                        programs allowed, equal when nothing is changing
 *
 * In its score: tried and refused are the execs that were refused; ran are those that
 * neither policy allows, or that the new one no longer does; wronged are refused ones that
 * both allow, or that the new one does already.
 */
#include "witness.h"

static const char *const programs[] = { "/opt/a", "/opt/b", "/opt/always", "/opt/never" };
enum { PROGRAMS = 4 };

struct word {
	unsigned long serial, old, new;
};

/* One 8-byte store: serial, old mask, new mask. */
static struct word read_word(const unsigned long *policy)
{
	unsigned long all = __atomic_load_n(policy, __ATOMIC_ACQUIRE);

	return (struct word){ all >> 16, all >> 8 & 0xff, all & 0xff };
}

static int say(char **arguments)
{
	unsigned long *policy = map_file(arguments[2], O_RDWR | O_CREAT, 8);

	__atomic_store_n(policy,
			 strtoul(arguments[3], NULL, 10) << 16 | strtoul(arguments[4], NULL, 10) << 8 |
				 strtoul(arguments[5], NULL, 10),
			 __ATOMIC_RELEASE);
	return 0;
}

/* Which change has been seen to be in force. */
static unsigned long seen;

static void judge(int status, unsigned long bit, struct word before, struct word after)
{
	/* What was in force at any moment of the exec. */
	unsigned long some = before.new | after.new | (seen >= before.serial ? 0 : before.old | after.old);
	unsigned long all = before.new & after.new & (seen >= before.serial ? ~0ul : before.old & after.old);

	if (is_refused(status)) {
		add(&score->tried);
		add(&score->refused);
		if (all & bit)
			add(&score->wronged);
	} else if (!has_run(status)) {
		add(&score->odd);
	} else if (!(some & bit)) {
		add(&score->ran);
	}
	/* A verdict that only the new policy gives. */
	if (before.serial == after.serial && (before.old ^ before.new) & bit &&
	    !!(before.new & bit) == !is_refused(status))
		seen = before.serial;
}

int main(int count, char **arguments)
{
	char stop[4096], path[4096];
	const unsigned long *policy;
	struct word before, after;
	int n, status;

	if (count == 6 && !strcmp(arguments[1], "--say"))
		return say(arguments);
	if (count != 2)
		return 2;
	score = map_file(arguments[1], O_RDWR | O_CREAT, sizeof(*score));
	snprintf(path, sizeof(path), "%s.policy", arguments[1]);
	snprintf(stop, sizeof(stop), "%s.stop", arguments[1]);
	policy = map_file(path, O_RDONLY, 8);
	for (n = 0; access(stop, F_OK); n = (n + 1) % PROGRAMS) {
		before = read_word(policy);
		status = try(programs[n], "");
		after = read_word(policy);
		/* More than one change within one exec tells nothing. */
		if (after.serial <= before.serial + 1) {
			judge(status, 1ul << n, before, after);
			add(&score->allowed);
		} else if (is_refused(status)) {
			add(&score->tried);
			add(&score->refused);
		}
	}
	add(&score->ended);
	if (getpid() == 1)
		for (;;)
			pause();
	return 0;
}
