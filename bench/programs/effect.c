/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effect RULESETS NEW POLICY: renames NEW to POLICY, a file of a directory that mapd watches,
 * and prints the nanoseconds until a word of the pinned map RULESETS has changed: from then on
 * the gate judges by the new rules. Looks every 20 microseconds. Exit code 1 after 30 s.
 */
#include "../../bpf/contract.h"
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LOOKED_AT = 4096 };

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv)
{
	static hf_u64 before[LOOKED_AT];
	volatile hf_u64 *words;
	long start;
	int map, n;

	if (argc != 4)
		return 2;
	map = bpf_obj_get(argv[1]);
	words = mmap(NULL, sizeof(before), PROT_READ, MAP_SHARED, map, 0);
	if (map < 0 || words == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	memcpy(before, (void *)words, sizeof(before));
	start = now();
	if (rename(argv[2], argv[3])) {
		perror(argv[3]);
		return 1;
	}
	while (now() - start < 30000000000) {
		for (n = 0; n < LOOKED_AT; n++)
			if (words[n] != before[n]) {
				printf("%ld\n", now() - start);
				return 0;
			}
		usleep(20);
	}
	fprintf(stderr, "effect: nothing changed within 30 s\n");
	return 1;
}
