/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Report: the first occurrence becomes an event, repeats are counted in place,
 * every loss is counted. Nothing here changes a verdict.
 */
#ifndef HOLDFAST_REPORT_H
#define HOLDFAST_REPORT_H

struct judgement {
	const struct workload *workload;
	struct linux_binprm *bprm;
	struct walk walk;
	u32 rule_set;
	u32 generation;
	u32 mode;
	u32 reason;
	u32 verdict;
	u32 attach;
};

/* Is the file what runs a script, and not what was asked for? */
static __always_inline bool is_interpreter(const struct judgement *j)
{
	return READ(j->bprm, interp) != READ(j->bprm, filename);
}

/* A component may be 255 bytes, so the buffer is that much longer than the limit. */
struct small_event {
	struct hf_event head;
	char path[HF_EVENT_PATH_SMALL + HF_NAME_MAX + 1];
};

struct large_event {
	struct hf_event head;
	char path[HF_EVENT_PATH_LARGE + HF_NAME_MAX + 1];
};

static __always_inline void fill_head(struct hf_event *e, const struct judgement *j, u32 told)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	e->time_ns = bpf_ktime_get_ns();
	e->binding = j->workload->key;
	e->path[0] = j->walk.key[0];
	e->path[1] = j->walk.key[1];
	e->binding_id = j->workload->binding->id;
	e->rule_set = j->rule_set;
	e->generation = j->generation;
	e->mode = j->mode;
	e->verdict = j->verdict;
	e->reason = j->reason;
	e->attach = j->attach;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ppid = READ(task, real_parent, tgid);
	e->uid = bpf_get_current_uid_gid();
	e->flags = told | (is_interpreter(j) ? HF_EVENT_INTERPRETER : 0);
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

/* Names from the leaf to the top, each with a NUL. The length is kept in the
 * record: read back from there it is a plain unknown to the verifier, which
 * would else follow every length that a path can have. */
static __always_inline void fill_path(struct hf_event *e, char *buffer, u32 limit,
				      const struct walk *w)
{
	volatile u32 *length = &e->path_len;
	struct cursor c = cursor_at(w->dentry, w->mnt);
	u32 used, len;
	int m, i;

	*length = 0;
#pragma unroll
	for (m = 0; m < HF_EVENT_MOUNTS_MAX; m++) {
		for (i = 0; i < HF_PATH_COMPONENTS_MAX && c.dentry != c.mnt_root; i++) {
			used = *length;
			if (used >= limit)
				goto cut;
			len = READ(c.dentry, d_name.len) & 0xff;
			bpf_probe_read_kernel(buffer + used, len, READ(c.dentry, d_name.name));
			buffer[used + len] = 0;
			*length = used + len + 1;
			if (!ascend(&c))
				goto cut;
		}
		if (c.dentry != c.mnt_root)
			goto cut;
		if (!cross(&c))
			return;
	}
cut:
	e->flags |= HF_EVENT_PATH_CUT;
}

static __noinline bool emit(const struct judgement *j, u32 told)
{
	if (j->walk.extent.bytes <= HF_EVENT_PATH_SMALL) {
		struct small_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

		if (!e)
			return false;
		fill_head(&e->head, j, told);
		fill_path(&e->head, e->path, HF_EVENT_PATH_SMALL, &j->walk);
		bpf_ringbuf_submit(e, 0);
	} else {
		struct large_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

		if (!e)
			return false;
		fill_head(&e->head, j, told);
		fill_path(&e->head, e->path, HF_EVENT_PATH_LARGE, &j->walk);
		bpf_ringbuf_submit(e, 0);
	}
	return true;
}

/* Somebody looks at the container's execs, whatever their verdict. Behind fmod_ret they have been
 * told. */
static __always_inline bool is_traced(const struct judgement *j, const struct hf_config *cfg)
{
	return cfg->traced && j->attach != HF_ATTACH_BACKSTOP &&
	       (cfg->traced == HF_TRACE_ALL || cfg->traced == j->workload->binding->id + 1);
}

/* Counts the occurrence. True when it is the first one, or the first since mapd
 * started, or when there is no room to count: then it is worth an event. */
static __noinline bool is_news(const struct hf_report_key *key, const struct hf_config *cfg)
{
	struct hf_report first = { .count = 0 };
	struct hf_report *r = bpf_map_lookup_elem(&reports, key);

	if (!r) {
		/* another CPU may be first: then its entry is used */
		bpf_map_update_elem(&reports, key, &first, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&reports, key);
	}
	if (!r) {
		count(HF_COUNTER_REPORTS_FULL);
		return true;
	}
	add_atomically(&r->count, 1);
	r->last_ns = bpf_ktime_get_ns();
	return r->emitted != cfg->epoch;
}

/* Traces take none of the half of the ring buffer that is left for reports. */
static __always_inline bool trace_has_room(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) <=
	       bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2;
}

/* The only place that emits, so that it is verified once. An exec that was refused, or would be under
 * protect, is counted; the first of its kind is told of, and of a traced container each one. */
static __noinline u32 report(const struct judgement *j, const struct hf_config *cfg, u32 told)
{
	struct hf_report_key key = {
		.binding = j->workload->key,
		.path = { j->walk.key[0], j->walk.key[1] },
		.reason = j->reason,
		.verdict = j->verdict,
	};
	struct hf_report *r;

	if (j->verdict != HF_VERDICT_ALLOW && is_news(&key, cfg))
		told &= ~HF_EVENT_NO_REPORT;
	if (told == HF_EVENT_NO_REPORT)
		return 0;
	if (told & HF_EVENT_NO_REPORT && !trace_has_room()) {
		count(HF_COUNTER_TRACES_LOST);
		return 0;
	}
	if (!emit(j, told)) {
		count(told & HF_EVENT_NO_REPORT ? HF_COUNTER_TRACES_LOST : HF_COUNTER_EVENTS_LOST);
		return 0;
	}
	if (told & HF_EVENT_NO_REPORT)
		return 0;
	r = bpf_map_lookup_elem(&reports, &key);
	if (r)
		r->emitted = cfg->epoch;
	return 0;
}

#endif
