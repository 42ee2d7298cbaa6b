// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/* One program, and one inner map per policy with its executables. See README.md. */
#include "baseline.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);   /* cgroup */
	__type(value, u32); /* policy */
} workloads SEC(".maps");

#define HASH_OF_MAPS 13 /* BPF_MAP_TYPE_HASH_OF_MAPS; kernel.h has what the gate uses */

struct allowed {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, KEY_BYTES);
	__uint(value_size, 1);
};

struct {
	__uint(type, HASH_OF_MAPS);
	__uint(max_entries, 16384);
	__type(key, u32);
	__array(values, struct allowed);
} policies SEC(".maps");

SEC("raw_tp/sched_process_exec")
int policy(struct bpf_raw_tracepoint_args *ctx)
{
	u64 cgroup = bpf_get_current_cgroup_id();
	u32 *number = bpf_map_lookup_elem(&workloads, &cgroup);

	if (number)
		decide(key_of((void *)ctx->args[2]), bpf_map_lookup_elem(&policies, number));
	return 0;
}
