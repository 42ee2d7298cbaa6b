/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Which workload: the binding that a task belongs to, by its cgroup (nearest
 * bound ancestor) and by its pid namespace, which no task can leave.
 */
#ifndef HOLDFAST_WORKLOAD_H
#define HOLDFAST_WORKLOAD_H

#define HF_PID_NS_LEVELS_MAX 32 /* the kernel's own limit */
#define HF_TICK_NS 10000000ull  /* /proc/<pid>/stat counts 1/100 s */

struct workload {
	struct hf_cgroup_key key;
	struct hf_binding *binding;
	u32 foreign_cgroup; /* known by its pid namespace, but in another cgroup */
	u32 in_pid_ns;
};

static __always_inline bool same_key(const struct hf_cgroup_key *a, const struct hf_cgroup_key *b)
{
	return a->id == b->id && a->hierarchy == b->hierarchy;
}

/* cgroup2: only the levels that carry bindings are looked up, the deepest
 * first, so a task of the node itself costs a few loads. */
static __always_inline void find_by_cgroup2(struct workload *w, struct task_struct *task,
					    u64 levels)
{
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < HF_BOUND_LEVELS_MAX; i++, levels >>= 8) {
		if (!(levels & 0xff))
			return;
		w->key.id = ancestor_cgroup_id(task, levels & 0xff);
		if (!w->key.id)
			continue; /* the task is not that deep */
		w->binding = bpf_map_lookup_elem(&bindings, &w->key);
		if (w->binding)
			return;
	}
}

static __always_inline struct cgroup *v1_cgroup(struct task_struct *task,
						const struct hf_config *cfg)
{
	struct cgroup_subsys_state *css = NULL;
	struct css_set *set = READ(task, cgroups);

	if (cfg->v1_controller == HF_V1_PIDS &&
	    bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		bpf_core_read(
			&css, sizeof(css),
			&set->subsys[bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)]);
	else if (cfg->v1_controller == HF_V1_MEMORY &&
		 bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		bpf_core_read(
			&css, sizeof(css),
			&set->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]);
	return css ? READ(css, cgroup) : NULL;
}

static __always_inline struct cgroup *parent_cgroup(struct cgroup *cgroup)
{
	struct cgroup_subsys_state *parent = READ(cgroup, self.parent);

	return parent ? READ(parent, cgroup) : NULL;
}

/* The id of the nearest bound ancestor in the v1 hierarchy, 0: none. */
__noinline u64 bound_v1_ancestor(u64 first, u32 hierarchy)
{
	struct cgroup *cgroup = (void *)first;
	struct hf_cgroup_key key = { .hierarchy = hierarchy };
	int i;

	for (i = 0; i < HF_V1_ANCESTORS_MAX && cgroup; i++) {
		key.id = READ(cgroup, kn, id);
		if (bpf_map_lookup_elem(&bindings, &key))
			return key.id;
		cgroup = parent_cgroup(cgroup);
	}
	return 0;
}

/* Returns nothing: a function of its own, for the stack of those that it is not for. */
static __noinline u32 find_by_cgroup_v1(struct workload *w, const struct hf_config *cfg)
{
	struct cgroup *cgroup = v1_cgroup((void *)bpf_get_current_task(), cfg);

	/* ids of another hierarchy mean other cgroups */
	if (!cgroup || READ(cgroup, root, hierarchy_id) != cfg->v1_hierarchy)
		return 0;
	w->key.hierarchy = cfg->v1_hierarchy;
	w->key.id = bound_v1_ancestor((u64)cgroup, cfg->v1_hierarchy);
	if (w->key.id)
		w->binding = bpf_map_lookup_elem(&bindings, &w->key);
	return 0;
}

/* Is this the pid namespace of a bound container? Numbers of namespaces are
 * reused: it must have the same init. */
__noinline u32 bound_pid_ns(u64 pid_namespace)
{
	struct pid_namespace *ns = (void *)pid_namespace;
	u32 inum = READ(ns, ns.inum);
	struct hf_pid_ns *found = bpf_map_lookup_elem(&pidns, &inum);
	u64 started;

	if (!found)
		return 0;
	started = READ(ns, child_reaper, start_boottime);
	return started / HF_TICK_NS == found->init_start_ticks ? inum : 0;
}

static __always_inline struct pid_namespace *pid_ns_at(struct pid *pid, u32 level)
{
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			    level * bpf_core_type_size(struct upid);

	return READ(upid, ns);
}

/* The innermost bound container whose pid namespace the task lives in: the
 * namespace's number, 0: none. */
__noinline u32 find_by_pid_ns(u64 first, u32 level)
{
	struct pid *pid = (void *)first;
	u32 inum;
	int i;

	for (i = 0; i < HF_PID_NS_LEVELS_MAX && level; i++, level--) {
		inum = bound_pid_ns((u64)pid_ns_at(pid, level));
		if (inum)
			return inum;
	}
	return 0;
}

/* Is it the pid namespace that was made for the container of this binding? By its init as well as
 * by its number, which is reused. */
static __always_inline bool is_own_pid_ns(const struct hf_binding *b, struct pid_namespace *ns)
{
	return b->flags & HF_BINDING_OWN_PID_NS && READ(ns, ns.inum) == b->pid_ns &&
	       (u32)READ(ns, child_reaper, tgid) == b->init_tgid;
}

/* By the pid namespaces around the task, where its cgroup and its own one do not say all. */
static __noinline bool find_by_pid_ns_or_cgroup(struct workload *w, struct pid *pid, u32 level)
{
	u32 inum = find_by_pid_ns((u64)pid, level);
	struct hf_pid_ns *by_pid_ns = inum ? bpf_map_lookup_elem(&pidns, &inum) : NULL;

	if (!by_pid_ns)
		return w->binding != NULL;
	w->in_pid_ns = true;
	if (w->binding && same_key(&w->key, &by_pid_ns->binding))
		return true;
	/* Its cgroup says no container or another one: a task that moved. The
	 * pid namespace is right, it cannot be left. */
	w->foreign_cgroup = true;
	w->key = by_pid_ns->binding;
	w->binding = bpf_map_lookup_elem(&bindings, &w->key);
	return w->binding != NULL;
}

/* False when the task belongs to no binding. */
PART_OF_CALLER bool find_workload(struct workload *w, struct task_struct *task,
				  const struct hf_config *cfg)
{
	struct pid *pid;
	u32 level;

	if (cfg->levels)
		find_by_cgroup2(w, task, cfg->levels);
	if (!w->binding && cfg->v1_hierarchy)
		find_by_cgroup_v1(w, cfg);
	pid = READ_TASK(task, thread_pid);
	level = READ(pid, level);
	if (!level) /* in the node's own pid namespace, which is no container's */
		return w->binding != NULL;
	/* nearly all of a container's tasks */
	if (w->binding && is_own_pid_ns(w->binding, pid_ns_at(pid, level))) {
		w->in_pid_ns = true;
		return true;
	}
	return find_by_pid_ns_or_cgroup(w, pid, level);
}

__noinline u32 cgroup_is_below(u64 first, u64 id)
{
	struct cgroup *cgroup = (void *)first;
	int i;

	for (i = 0; i < HF_V1_ANCESTORS_MAX && cgroup; i++) {
		if (READ(cgroup, kn, id) == id)
			return true;
		cgroup = parent_cgroup(cgroup);
	}
	return false;
}

static __always_inline u32 mount_namespace_of(struct task_struct *task)
{
	return READ(task, nsproxy, mnt_ns, ns.inum);
}

/*
 * A container that shares its pid namespace with the host or with a pod: a task
 * is the runtime's when its parent is outside the container's cgroup, has not
 * adopted it (a reaper gets orphans of the workload), and the task is not yet
 * in the container's mount namespace. All three, because a privileged workload
 * can bring about any one of them.
 */
static __always_inline bool placed_from_outside(const struct workload *w,
						const struct hf_config *cfg)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *parent = READ(task, real_parent);
	struct signal_struct *signal = READ(parent, signal);
	struct cgroup *cgroup;

	/* a runtime comes from the initial pid namespace; in a pod's shared one the
	 * orphans' reaper is the pause process, outside of the cgroup as well */
	if (READ(task, thread_pid, level) > 0)
		return false;
	if (mount_namespace_of(task) == w->binding->mnt_ns)
		return false;
	if (READ(parent, tgid) == 1 || BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper))
		return false;
	cgroup = w->key.hierarchy ? v1_cgroup(parent, cfg) : READ(parent, cgroups, dfl_cgrp);
	return cgroup && !cgroup_is_below((u64)cgroup, w->key.id);
}

/*
 * An exec of the container runtime on its way into the container, which must
 * not be judged by the workload's rules: `runc init` re-executing itself, hooks
 * of others before the start, `runc exec` before it has entered. Recognised by
 * what a workload cannot forge, never by name.
 */
PART_OF_CALLER bool is_runtime(const struct workload *w, const struct hf_config *cfg)
{
	/* before the start all but init's own exec are the runtime's */
	if (!(w->binding->flags & (HF_BINDING_SEALED | HF_BINDING_SEAL_ANY)))
		return bpf_get_current_pid_tgid() >> 32 != w->binding->init_tgid;
	if (w->in_pid_ns)
		return false;
	/* in the container's cgroup, but in no bound pid namespace */
	if (w->binding->flags & HF_BINDING_OWN_PID_NS)
		return true;
	return placed_from_outside(w, cfg);
}

#endif
