// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/* One program per policy: loaded once for each, with maps of its own. See README.md. */
#include "baseline.h"

char LICENSE[] SEC("license") = "GPL";

/* The cgroups that the policy is for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, u64);
	__type(value, u8);
} workloads SEC(".maps");

/* Its executables; load.c sets the size to their number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, KEY_BYTES);
	__uint(value_size, 1);
} allowed SEC(".maps");

SEC("raw_tp/sched_process_exec")
int policy(struct bpf_raw_tracepoint_args *ctx)
{
	u64 cgroup = bpf_get_current_cgroup_id();

	if (!bpf_map_lookup_elem(&workloads, &cgroup))
		return 0;
	decide(key_of((void *)ctx->args[2]), &allowed);
	return 0;
}
