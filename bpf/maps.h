/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The gate's maps. All are shared by all policies: what a policy costs is its
 * rules. mapd pins them under /sys/fs/bpf/holdfast/v<HF_LAYOUT>/<name>; sizes
 * are the defaults of contract.h, mapd sets the configured ones before load.
 *
 * The arrays are mapped into mapd (BPF_F_MMAPABLE), so that a switch of a rule
 * set or of an assignment is one aligned store, never a copy of many bytes.
 */
#ifndef HOLDFAST_MAPS_H
#define HOLDFAST_MAPS_H

/* Which layout this object has, for mapd: bpf_object__kversion() reads this section. */
u32 layout SEC("version") = HF_LAYOUT;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hf_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_BINDINGS_MAX);
	__type(key, struct hf_cgroup_key);
	__type(value, struct hf_binding);
} bindings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_BINDINGS_MAX);
	__type(key, u32);
	__type(value, struct hf_pid_ns);
} pidns SEC(".maps");

/* binding id -> rule set */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HF_BINDINGS_MAX);
	__type(key, u32);
	__type(value, u32);
} assignments SEC(".maps");

/* rule set -> HF_RULE_SET_* word */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HF_RULE_SETS_MAX);
	__type(key, u32);
	__type(value, u64);
} rulesets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_RULES_MAX);
	__type(key, struct hf_rule_key);
	__type(value, u64);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_REPORTS_MAX);
	__type(key, struct hf_report_key);
	__type(value, struct hf_report);
} reports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HF_EVENTS_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HF_COUNTERS_SLOTS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

/* The plain atomic add of Linux 5.10: today's compilers make __sync_fetch_and_add
 * the fetching one, which 5.10 does not know, even where the result is unused. */
static __always_inline void add_atomically(u64 *where, u64 value)
{
	asm volatile("lock *(u64 *)(%0 + 0) += %1" : : "r"(where), "r"(value) : "memory");
}

/* Added atomically although the value is per CPU: on a preemptible kernel two
 * tasks of one CPU may be in the gate at once, and counts are exact. */
static __always_inline void count(u32 counter)
{
	u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		add_atomically(value, 1);
}

#endif
