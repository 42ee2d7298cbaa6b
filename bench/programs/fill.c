/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill PINS FIRST COUNT RULES: makes rule sets FIRST, FIRST+1, ... (COUNT of them), with RULES
 * rules each under random path keys, in the pinned maps of a gate, as mapd writes them: a word
 * of array `rulesets` and an entry of hash `rules` for each rule. Prints how many rules there
 * were room for.
 */
#include "../../bpf/contract.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BATCH = 4096 };

static struct hf_rule_key keys[BATCH];
static hf_u64 values[BATCH];
static unsigned int waiting;
static unsigned long written;

static int open_map(const char *pins, const char *name)
{
	char path[4096];
	int map;

	snprintf(path, sizeof(path), "%s/%s", pins, name);
	map = bpf_obj_get(path);
	if (map < 0) {
		fprintf(stderr, "fill: open %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return map;
}

static void write_waiting(int rules)
{
	unsigned int count = waiting;

	if (count && bpf_map_update_batch(rules, keys, values, &count, NULL)) {
		fprintf(stderr, "fill: write rules after %lu: %s\n", written + count,
			strerror(errno));
		exit(1);
	}
	written += count;
	waiting = 0;
}

static void add_rule(int rules, hf_u32 set)
{
	struct hf_rule_key *key = &keys[waiting];

	key->rule_set = set;
	key->generation = 1;
	if (getrandom(key->path, sizeof(key->path), 0) != sizeof(key->path))
		exit(1);
	values[waiting++] = HF_RULE_EXECUTABLE;
	if (waiting == BATCH)
		write_waiting(rules);
}

int main(int argc, char **argv)
{
	hf_u64 word = 1 | (hf_u64)HF_MODE_PROTECT << HF_RULE_SET_MODE_SHIFT | HF_RULE_SET_VALID;
	int rulesets, rules, each;
	hf_u32 set, first, count;

	if (argc != 5)
		return 2;
	rulesets = open_map(argv[1], "rulesets");
	rules = open_map(argv[1], "rules");
	first = atoi(argv[2]);
	count = atoi(argv[3]);
	for (set = first; set < first + count; set++) {
		for (each = atoi(argv[4]); each > 0; each--)
			add_rule(rules, set);
		if (bpf_map_update_elem(rulesets, &set, &word, BPF_ANY)) {
			fprintf(stderr, "fill: write rule set %u: %s\n", set, strerror(errno));
			return 1;
		}
	}
	write_waiting(rules);
	printf("%lu\n", written);
	return 0;
}
