/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Reads whose shape differs between kernels.
 */
#ifndef HOLDFAST_COMPAT_H
#define HOLDFAST_COMPAT_H

/*
 * source->a->b..., of a local copy: the macros of libbpf would relocate a member access in their
 * first argument too, although that struct is the gate's own.
 *
 * The gate is built twice. gate-6.2.bpf.o has HF_PLAIN_LOADS: since Linux 6.2 any address can be
 * cast to a pointer to a kernel type and read by plain loads, which take a tenth of what a call of
 * bpf_probe_read_kernel() does, and an exec is a hundred of them. What cannot be read is 0 in both.
 */
#ifdef HF_PLAIN_LOADS
extern void *bpf_rdonly_cast(const void *address, u32 type) __ksym;
#define TYPED(address)                                                                             \
	((typeof(address))bpf_rdonly_cast(address, bpf_core_type_id_kernel(typeof(*(address)))))
/* A pointer that was loaded is a plain number from there on: the verifier would follow it, and
 * refuse what is done with numbers. */
#define READ(source, ...)                                                                          \
	({                                                                                         \
		typeof(source) source_ = TYPED(source);                                            \
		___type(source_, __VA_ARGS__) value_ = ___arrow(source_, __VA_ARGS__);             \
		if (sizeof(value_) == 8)                                                           \
			asm volatile("%0 = -%0; %0 = -%0" : "+r"(value_));                         \
		value_;                                                                            \
	})
/* Eight bytes at any address: hlist_head is one word. */
#define READ_WORD(address) ((u64)READ((struct hlist_head *)(address), first))
/* The current task's pointer is one that the verifier trusts: what is loaded from it is loaded
 * without the check of the address, and its branch, that every other plain load takes. */
/* Part of its caller; by calls a read takes room on the stack, of which there are 512 bytes for all
 * functions on the way, so these are functions of their own there. */
#define PART_OF_CALLER static __always_inline
#define CURRENT_TASK() bpf_get_current_task_btf()
#define READ_TASK(task, ...)                                                                       \
	({                                                                                         \
		___type((task), __VA_ARGS__) value_ = ___arrow((task), __VA_ARGS__);               \
		if (sizeof(value_) == 8)                                                           \
			asm volatile("%0 = -%0; %0 = -%0" : "+r"(value_));                         \
		value_;                                                                            \
	})
#else
#define READ(source, ...)                                                                          \
	({                                                                                         \
		typeof(source) source_ = (source);                                                 \
		BPF_CORE_READ(source_, __VA_ARGS__);                                               \
	})
#define READ_WORD(address)                                                                         \
	({                                                                                         \
		u64 word_ = 0;                                                                     \
		bpf_probe_read_kernel(&word_, sizeof(word_), (void *)(address));                   \
		word_;                                                                             \
	})
#define PART_OF_CALLER static __noinline
#define CURRENT_TASK() ((struct task_struct *)bpf_get_current_task())
#define READ_TASK READ
#endif

extern int LINUX_KERNEL_VERSION __kconfig;

/* The id of the current task's cgroup2 ancestor at a level, 0 when it is not that deep. */
#ifdef HF_PLAIN_LOADS
static __always_inline u64 ancestor_cgroup_id(struct task_struct *task, u32 level)
{
	/* trusted from the task on: the first look needs no call, and is all for most tasks */
	struct cgroup *own = task->cgroups->dfl_cgrp;
	u32 depth = own->level;

	if (level > depth)
		return 0;
	return level == depth ? own->kn->id : bpf_get_current_ancestor_cgroup_id(level);
}
#else
/* Since 5.15 programs of these types may ask the kernel. */
static __always_inline u64 ancestor_cgroup_id(struct task_struct *task, u32 level)
{
	struct cgroup *cgroup;
	struct cgroup___to_6_0 *old;
	u64 id = 0;

	if (LINUX_KERNEL_VERSION >= KERNEL_VERSION(5, 15, 0))
		return bpf_get_current_ancestor_cgroup_id(level);
	cgroup = READ(task, cgroups, dfl_cgrp);
	old = (void *)cgroup;
	if (level > (u32)READ(cgroup, level) || !bpf_core_field_exists(old->ancestor_ids))
		return 0;
	bpf_probe_read_kernel(&id, sizeof(id),
			      (void *)old + bpf_core_field_offset(old->ancestor_ids) +
				      sizeof(id) * level);
	return id;
}
#endif

/* Before 6.8 mounts have no unique id: 0. */
static __always_inline u64 mount_unique_id(struct mount *mnt)
{
	struct mount___from_6_8 *m = (void *)mnt;

	if (bpf_core_field_exists(m->mnt_id_unique))
		return READ(m, mnt_id_unique);
	return 0;
}

/* i_ctime became accessor-only in 6.6 and two integers in 6.11. False when no
 * known shape fits: the caller treats the file as changed. */
static __always_inline bool inode_ctime(struct inode *inode, s64 *sec, u32 *nsec)
{
	struct inode___ctime_from_6_11 *i11 = (void *)inode;
	struct inode___ctime_6_6 *i6 = (void *)inode;
	struct inode___ctime_to_6_5 *i5 = (void *)inode;

	if (bpf_core_field_exists(i11->i_ctime_sec)) {
		*sec = READ(i11, i_ctime_sec);
		/* bit 31 is the kernel's own note (multigrain timestamps, 6.13) */
		*nsec = READ(i11, i_ctime_nsec) & 0x7fffffff;
	} else if (bpf_core_field_exists(i6->__i_ctime)) {
		*sec = READ(i6, __i_ctime.tv_sec);
		*nsec = READ(i6, __i_ctime.tv_nsec);
	} else if (bpf_core_field_exists(i5->i_ctime)) {
		*sec = READ(i5, i_ctime.tv_sec);
		*nsec = READ(i5, i_ctime.tv_nsec);
	} else {
		return false;
	}
	return true;
}

/* One dentry of an inode, NULL when none is cached. */
static __always_inline struct dentry *inode_alias(struct inode *inode)
{
	struct hlist_node *first = READ(inode, i_dentry.first);
	struct dentry___flat_alias *flat = NULL;

	if (!first)
		return NULL;
	if (bpf_core_field_exists(flat->d_alias))
		return (void *)first - bpf_core_field_offset(struct dentry___flat_alias, d_alias);
	return (void *)first - bpf_core_field_offset(struct dentry, d_u.d_alias);
}

/* The file that an overlay file stands for. private_data held it until 6.12;
 * since 6.13 it points at a struct (of a module, perhaps without BTF) whose
 * first member is that file. */
static __always_inline struct file *overlay_real_file(struct file *file)
{
	void *data = READ(file, private_data);
	struct file *real = NULL;

	if (LINUX_KERNEL_VERSION < KERNEL_VERSION(6, 13, 0))
		return data;
	bpf_probe_read_kernel(&real, sizeof(real), data);
	return real;
}

#endif
