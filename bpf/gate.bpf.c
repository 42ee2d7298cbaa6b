// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * The gate: one decision on every exec, for all policies.
 *
 *   attach point                    duty
 *   lsm/bprm_check_security         every level of an exec (script, interpreter): EPERM
 *   fmod_ret/security_bprm_check    the same, where `bpf` is not in the LSM list: EPERM
 *   raw_tp/sched_process_exec       the image about to run: SIGKILL before its first
 *                                   instruction. Used alone where neither of the above
 *                                   can be attached, and behind fmod_ret, which the
 *                                   kernel skips when it preempts a task inside it.
 *
 * Which workload: workload.h. Which executable: path.h, file.h. Report: report.h.
 * In protect, what is not understood is refused, with a reason and a counter.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "contract.h"
#include "maps.h"
#include "compat.h"
#include "key.h"
#include "path.h"
#ifdef HF_PLAIN_LOADS
#include "path_memory.h"
#else
#include "path_scalars.h"
#endif
#include "workload.h"
#include "file.h"
#include "report.h"
#include "chain.h"

char LICENSE[] SEC("license") = "GPL"; /* what the kernel asks for; see SPDX above */

static __always_inline u32 mode_of(u64 word)
{
	return word >> HF_RULE_SET_MODE_SHIFT & HF_RULE_SET_MODE_MASK;
}

static __always_inline u64 rule_set_word(u32 rule_set)
{
	u64 *word = bpf_map_lookup_elem(&rulesets, &rule_set);

	return word ? *(volatile u64 *)word : 0;
}

static __always_inline int try_directories(const struct judgement *j, u64 depths)
{
	hand_over(j->walk.key);
	return in_listed_directory(j->walk.dentry, j->walk.mnt,
				   (u64)j->rule_set << 32 | j->generation,
				   j->walk.extent.components, depths);
}

static __always_inline bool directory_lists(const struct judgement *j)
{
	struct hf_rule_key header = { .rule_set = j->rule_set, .generation = j->generation };
	u64 *depths = bpf_map_lookup_elem(&rules, &header);
	int found;

	if (!depths)
		return false;
	found = try_directories(j, *depths);
	if (found < 0) /* another task took the slot in between */
		found = try_directories(j, *depths);
	return found > 0;
}

/* The rule's flags for the file, 0 when no rule lists it. */
static __always_inline u64 rule_for(const struct judgement *j, u64 word)
{
	struct hf_rule_key key = {
		.rule_set = j->rule_set,
		.generation = j->generation,
		.path = { j->walk.key[0], j->walk.key[1] },
	};
	u64 *flags = bpf_map_lookup_elem(&rules, &key);
	u64 found = flags ? *flags & (HF_RULE_EXECUTABLE | HF_RULE_INTERPRETER) : 0;

	if (!(found & HF_RULE_EXECUTABLE) && word & HF_RULE_SET_HAS_DIRECTORIES &&
	    directory_lists(j))
		found |= HF_RULE_EXECUTABLE;
	return found;
}

PART_OF_CALLER u32 judge_rule(const struct judgement *j, u64 word)
{
	u64 flags = rule_for(j, word);

	if (flags & HF_RULE_EXECUTABLE)
		return HF_REASON_LISTED;
	if (!is_interpreter(j))
		return HF_REASON_NOT_LISTED;
	if (!(flags & HF_RULE_INTERPRETER))
		return HF_REASON_INTERPRETER_NOT_LISTED;
	/* An interpreter for listed scripts only: at the kill attach point the
	 * script's file is gone, so whether it was listed cannot be known. */
	return j->attach == HF_ATTACH_KILL ? HF_REASON_SCRIPT_UNSEEN : HF_REASON_LISTED;
}

/* Is the file, as the task sees it, what its path says? Order matters: the first thing wrong is the
 * reason. */
PART_OF_CALLER u32 judge_place(const struct judgement *j, struct task_struct *task,
			       struct inode *inode, u64 word)
{
	const struct hf_binding *b = j->workload->binding;
	struct mnt_namespace *mnt_ns = READ_TASK(task, nsproxy, mnt_ns);
	bool nested = READ(mnt_ns, ns.inum) != b->mnt_ns;

	if (j->workload->foreign_cgroup)
		return HF_REASON_FOREIGN_CGROUP;
	if (nested && !(word & HF_ALLOW_NESTED_NAMESPACES))
		return HF_REASON_FOREIGN_MOUNT_NAMESPACE;
	if (is_anonymous(inode, (void *)j->walk.dentry))
		return HF_REASON_ANONYMOUS_FILE;
	if (!(word & HF_ALLOW_NESTED_NAMESPACES) &&
	    READ((struct mount *)j->walk.mnt, mnt_ns) != mnt_ns)
		return HF_REASON_FOREIGN_MOUNT;
	if (j->walk.extent.reason != HF_REASON_LISTED)
		return j->walk.extent.reason;
	if (!(word & HF_ALLOW_NESTED_NAMESPACES) && !is_container_root(b, (void *)j->walk.root))
		return HF_REASON_FOREIGN_ROOT;
	/* all mounts of a nested namespace or of another root were made later: not told apart */
	if (!(word & HF_ALLOW_LATER_MOUNTS) && !nested && j->walk.root &&
	    on_later_mount(b, mnt_ns, &j->walk))
		return HF_REASON_LATER_MOUNT;
	return HF_REASON_LISTED;
}

/* The decision: place, rule, drift. */
static __always_inline u32 judge_file(const struct judgement *j, struct task_struct *task,
				      struct file *file, u64 word)
{
	struct inode *inode = READ(file, f_inode);
	u32 reason = judge_place(j, task, inode, word);

	if (reason == HF_REASON_ANONYMOUS_FILE && word & HF_ALLOW_ANONYMOUS_FILES)
		return HF_REASON_LISTED; /* no path that could be listed: its kind is */
	if (reason == HF_REASON_LISTED)
		reason = judge_rule(j, word);
	if (reason == HF_REASON_LISTED && !(word & HF_ALLOW_WRITABLE_LAYER))
		reason = drift(j->workload->binding, file, inode);
	return reason;
}

/* Assignment and word are read once, each in one load, and for a script's interpreter not
 * again: an exec sees one generation of one rule set. mapd deletes the rules of the one
 * before only after every exec that could have read it is decided. */
static __always_inline u64 word_in_force(struct judgement *j)
{
	u32 *assigned = bpf_map_lookup_elem(&assignments, &j->workload->binding->id);

	if (!assigned)
		return 0; /* cannot be: ids are indexes */
	j->rule_set = *(volatile u32 *)assigned;
	return rule_set_word(j->rule_set);
}

static __always_inline void judge(struct judgement *j, struct task_struct *task, struct file *file)
{
	u64 word = begun_with(j);

	if (!word)
		word = word_in_force(j);
	if (!(word & HF_RULE_SET_VALID))
		return; /* the reason stays RULE_SET_MISSING */
	j->generation = word;
	j->mode = mode_of(word);
	if (j->mode == HF_MODE_OFF)
		return;
	j->reason = judge_file(j, task, file, word);
	go_on_with(j, word);
}

/* Behind fmod_ret every exec has been judged and counted already, but those that
 * the kernel skipped: only a refusal is news. */
static __always_inline u32 allowed(u32 counter, u32 attach)
{
	if (attach != HF_ATTACH_BACKSTOP)
		count(counter);
	return HF_VERDICT_ALLOW;
}

/* On an exec that no rule allows. A function of its own, so that what follows is
 * verified once and not once for each mode. */
__noinline u32 verdict_in(u32 mode)
{
	switch (mode) {
	case HF_MODE_LEARN:
		return HF_VERDICT_LEARN;
	case HF_MODE_MONITOR:
		return HF_VERDICT_REPORT;
	default:
		return HF_VERDICT_REFUSE;
	}
}

/*
 * At the kill attach point, while two gates are attached: the other one has refused this
 * exec already, and counted it. At the others a refusal ends the exec before the second
 * program is asked. Whoever sent the signal, the new image does not run.
 */
static __always_inline bool is_being_killed(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return READ(task, pending.signal.sig[0]) & (1ul << (SIGKILL - 1));
}

/* The exec of a task that belongs to a workload. */
static __noinline u32 judge_exec(const struct workload *w, const struct hf_config *cfg,
				 struct task_struct *task, struct linux_binprm *bprm, u32 attach)
{
	/* until a rule set says otherwise */
	struct judgement j = {
		.workload = w,
		.bprm = bprm,
		.attach = attach,
		.mode = HF_MODE_PROTECT,
		.reason = HF_REASON_RULE_SET_MISSING,
	};
	struct hf_binding *b = w->binding;
	struct file *file;
	u32 trace;

	if (is_runtime(w, cfg))
		return allowed(HF_COUNTER_RUNTIME, attach);
	if (!(b->flags & (HF_BINDING_SEALED | HF_BINDING_SEAL_ANY)))
		seal(b, (void *)bpf_get_current_task());
	file = READ(bprm, file);
	walk_path(&j.walk, file, b->root_mnt_id);
	if (!(b->flags & HF_BINDING_SEALED))
		seal_adopted(b, (void *)bpf_get_current_task(), (void *)j.walk.root);
	judge(&j, task, file);
	trace = is_traced(&j, cfg) ? HF_EVENT_TRACE | HF_EVENT_NO_REPORT : HF_EVENT_NO_REPORT;
	if (j.mode == HF_MODE_OFF || j.reason == HF_REASON_LISTED) {
		j.verdict = allowed(j.mode == HF_MODE_OFF ? HF_COUNTER_OFF : HF_COUNTER_ALLOWED,
				    attach);
		if (trace == HF_EVENT_NO_REPORT)
			return HF_VERDICT_ALLOW;
	} else {
		if (attach == HF_ATTACH_BACKSTOP && j.mode != HF_MODE_PROTECT)
			return HF_VERDICT_ALLOW;
		if (cfg->overlap && attach >= HF_ATTACH_KILL && is_being_killed())
			return HF_VERDICT_REFUSE;
		count(HF_COUNTER_REASON_BASE + j.reason);
		j.verdict = verdict_in(j.mode);
		count(HF_COUNTER_ALLOWED + j.verdict);
	}
	report(&j, cfg, trace);
	return j.verdict;
}

/* HF_VERDICT_REFUSE when the exec must not happen, else another verdict. What follows is for
 * workloads only; everybody else's execs end here. */
static __always_inline u32 decide(struct linux_binprm *bprm, u32 attach)
{
	struct task_struct *task = CURRENT_TASK();
	const struct hf_config *cfg;
	struct workload w = {};
	u32 zero = 0;

#ifdef HF_TEST_CHANGED /* another program on the same maps, for the test of upgrades */
	bpf_get_smp_processor_id();
#endif
	cfg = bpf_map_lookup_elem(&config, &zero);
	if (!cfg)
		return HF_VERDICT_ALLOW; /* cannot be: an array of one */
	if (!find_workload(&w, task, cfg))
		return allowed(HF_COUNTER_UNBOUND, attach);
	return judge_exec(&w, cfg, task, bprm, attach);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(gate_lsm, struct linux_binprm *bprm, int ret)
{
	if (ret)
		return ret;
	return decide(bprm, HF_ATTACH_LSM) == HF_VERDICT_REFUSE ? -EPERM : 0;
}

SEC("fmod_ret/security_bprm_check")
int BPF_PROG(gate_fmod_ret, struct linux_binprm *bprm, int ret)
{
	if (ret)
		return ret;
	return decide(bprm, HF_ATTACH_FMOD_RET) == HF_VERDICT_REFUSE ? -EPERM : 0;
}

static __noinline u32 kill_current(void)
{
	if (bpf_send_signal(SIGKILL))
		count(HF_COUNTER_KILL_FAILED);
	return 0;
}

static __always_inline void kill_when_refused(struct bpf_raw_tracepoint_args *ctx, u32 attach)
{
	if (decide((struct linux_binprm *)ctx->args[2], attach) == HF_VERDICT_REFUSE)
		kill_current();
}

SEC("raw_tp/sched_process_exec")
int gate_kill(struct bpf_raw_tracepoint_args *ctx)
{
	kill_when_refused(ctx, HF_ATTACH_KILL);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int gate_backstop(struct bpf_raw_tracepoint_args *ctx)
{
	kill_when_refused(ctx, HF_ATTACH_BACKSTOP);
	return 0;
}
