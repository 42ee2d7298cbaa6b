/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Chain: an exec of a script asks the gate once for the script and once for its interpreter
 * (and once more for each that stands between them). All are judged by what was in force
 * for the first, or a policy that changes in between could allow the one by its old version
 * and the other by its new one, which neither version does.
 *
 * Only where something is refused before it happens: the kill attach point asks once.
 */
#ifndef HOLDFAST_CHAIN_H
#define HOLDFAST_CHAIN_H

#define ELF_MAGIC 0x464c457f /* "\177ELF", little-endian */

/* Least recently used: what is left by an exec that failed after the gate (no interpreter,
 * say) makes room by itself. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HF_CHAINS_MAX);
	__type(key, u64);
	__type(value, struct hf_chain);
} chains SEC(".maps");

static __always_inline bool is_elf(struct linux_binprm *bprm)
{
	u32 magic = 0;

	bpf_probe_read_kernel(&magic, sizeof(magic), &bprm->buf);
	return magic == ELF_MAGIC;
}

/* What the script was judged by, for its interpreter; 0 when that is not known, which is so
 * where nothing was refused then: unbound, or not in protect. */
static __always_inline u64 begun_with(struct judgement *j)
{
	struct hf_chain *chain;
	u64 task, word = 0;

	if (j->attach >= HF_ATTACH_KILL || !is_interpreter(j))
		return 0;
	task = bpf_get_current_pid_tgid();
	chain = bpf_map_lookup_elem(&chains, &task);
	if (!chain)
		return 0;
	if (chain->bprm == (u64)j->bprm) {
		j->rule_set = chain->rule_set;
		word = chain->word;
	}
	bpf_map_delete_elem(&chains, &task);
	return word;
}

/* An interpreter will be asked about. No room: it is judged by what is in force then. */
static __always_inline void go_on_with(const struct judgement *j, u64 word)
{
	struct hf_chain chain = {
		.bprm = (u64)j->bprm,
		.word = word,
		.rule_set = j->rule_set,
	};
	u64 task;

	/* nearly every exec ends here */
	if (j->attach >= HF_ATTACH_KILL || j->mode != HF_MODE_PROTECT ||
	    j->reason != HF_REASON_LISTED || is_elf(j->bprm))
		return;
	task = bpf_get_current_pid_tgid();
	chain.time_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&chains, &task, &chain, BPF_ANY);
}

#endif
