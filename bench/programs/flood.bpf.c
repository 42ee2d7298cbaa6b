// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * flood: puts one event into the gate's ring buffer each time it is run (BPF_PROG_TEST_RUN),
 * each of another path, as the gate does on the first exec of each. More than a machine can
 * execute, so that it is mapd that comes to its limit.
 */
#include "../../bpf/kernel.h"
#include <bpf/bpf_helpers.h>
#include "../../bpf/contract.h"

#define DIGITS 8
/* Leaf first, as in all events: the number, then "flood". */
#define PATH_BYTES (DIGITS + 1 + 6)

struct record {
	struct hf_event head;
	char path[PATH_BYTES];
};

struct sent {
	struct record record;
	u64 number;
	u64 lost; /* the ring buffer was full */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sent);
} sent SEC(".maps");

/* The gate's own, by its pin. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HF_EVENTS_BYTES);
} events SEC(".maps");

SEC("socket")
int flood(struct __sk_buff *skb)
{
	u32 zero = 0;
	struct sent *s = bpf_map_lookup_elem(&sent, &zero);
	u64 rest;
	int i;

	if (!s)
		return 0;
	rest = s->number++;
	s->record.head.time_ns = bpf_ktime_get_ns();
	s->record.head.path[0] = s->number;
	for (i = DIGITS - 1; i >= 0; i--, rest /= 10)
		s->record.path[i] = '0' + rest % 10;
	if (bpf_ringbuf_output(&events, &s->record, sizeof(s->record), 0))
		s->lost++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
