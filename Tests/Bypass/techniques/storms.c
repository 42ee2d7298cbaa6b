// SPDX-License-Identifier: Apache-2.0
// Many execs in a row, while the policy changes or until the gate's tables are full.
#include "bypass.h"

static int number(const char *name, int standard)
{
	const char *value = getenv(name);

	return value && *value ? atoi(value) : standard;
}

// The suite rewrites the policy all the while; it stops us by a file. The
// payload must never run, and the listed program always.
TECHNIQUE(policy_switch, "policy-switch")
{
	int result = REFUSED, rounds = 0;

	while (access("/out/stop", F_OK) && result == REFUSED) {
		result = exec_path(FOREIGN);
		if (result == REFUSED && exec_path(GENUINE) != ALLOWED) {
			snprintf(detail, 256, "the listed program was refused in round %d", rounds);
			return TROUBLE;
		}
		rounds++;
	}
	snprintf(detail, 256, "%d rounds", rounds);
	return result;
}

// A new unlisted path each time, more of them than the gate can remember
// (HF_REPORTS_MAX): reports may be lost then, verdicts not.
TECHNIQUE(many_paths, "many-paths")
{
	int count = number("MANY", 0), result = REFUSED;
	const char *path = "/scratch/many-paths";

	if (count == 0)
		skip("MANY is not set: too slow here");
	copy(FOREIGN, path);
	for (int i = 0; i < count && result == REFUSED; i++) {
		const char *next = text("/scratch/many-paths-%d", i);

		need(rename(path, next), "rename");
		path = next;
		result = exec_path(path);
	}
	snprintf(detail, 256, "%d paths", count);
	return result;
}
