/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What kind of file: does it have a name, where is it mounted, has it changed
 * since the container started.
 */
#ifndef HOLDFAST_FILE_H
#define HOLDFAST_FILE_H

/* memfd, O_TMPFILE, deleted: nothing that a path could stand for. */
static __always_inline bool is_anonymous(struct inode *inode, struct dentry *dentry)
{
	if (READ(inode, i_nlink) == 0)
		return true;
	return !READ(dentry, d_hash.pprev) && READ(dentry, d_parent) != dentry;
}

/* The workload starts: remember its root mount and the state of its mount table. Once for a
 * container, and apart from what each exec runs, as all that is rare is. */
static __noinline u32 seal(struct hf_binding *b, struct task_struct *task)
{
	struct vfsmount *vfsmount = READ(task, fs, root.mnt);
	struct mount *root = real_mount(vfsmount);

	b->root_mnt_id = READ(root, mnt_id);
	b->root_mnt_unique = mount_unique_id(root);
	b->root_dev = READ(root, mnt.mnt_sb, s_dev);
	b->root_ino = READ(root, mnt.mnt_root, d_inode, i_ino);
	b->mounts_seal = READ(task, nsproxy, mnt_ns, event);
	b->flags |= HF_BINDING_SEALED;
	count(HF_COUNTER_SEALED);
	return 0;
}

/* Adopted while running: which mount is the root is mapd's word, from
 * mountinfo; the rest is taken from the first exec that fits. */
static __noinline u32 seal_adopted(struct hf_binding *b, struct task_struct *task,
				   struct mount *root)
{
	if (!root || mount_namespace_of(task) != b->mnt_ns)
		return 0;
	b->root_mnt_unique = mount_unique_id(root);
	b->root_dev = READ(root, mnt.mnt_sb, s_dev);
	b->root_ino = READ(root, mnt.mnt_root, d_inode, i_ino);
	b->mounts_seal = READ(task, nsproxy, mnt_ns, event);
	b->flags |= HF_BINDING_SEALED;
	count(HF_COUNTER_SEALED);
	return 0;
}

/* `root` is a mount with the binding's root_mnt_id, or none: walk_path(). Is it the very mount? */
static __always_inline bool is_container_root(const struct hf_binding *b, struct mount *root)
{
	if (!(b->flags & HF_BINDING_SEALED) || !root)
		return false;
	if (b->root_mnt_unique)
		return mount_unique_id(root) == b->root_mnt_unique;
	/* ids of mounts are reused before 6.8, this directory of this filesystem is not */
	return READ(root, mnt.mnt_sb, s_dev) == b->root_dev &&
	       READ(root, mnt.mnt_root, d_inode, i_ino) == b->root_ino;
}

/*
 * A file on the container's root mount cannot be moved by later mounts. For any
 * other mount the table must be as it was at the start: an old mount could have
 * been moved over an allowed path as well as a new one made there.
 */
static __always_inline bool on_later_mount(const struct hf_binding *b, struct mnt_namespace *ns,
					   const struct walk *w)
{
	return w->mnt != w->root && READ(ns, event) != b->mounts_seal;
}

#define HF_LAYER_STEPS 128

/* Does a dentry of the real filesystem lie below the upper or work directory? */
__noinline u32 layer_of(u64 first, u64 upper_ino, u64 work_ino)
{
	struct dentry *dentry = (void *)first, *parent;
	u64 ino;
	int i;

	for (i = 0; i < HF_LAYER_STEPS && dentry; i++) {
		ino = READ(dentry, d_inode, i_ino);
		if (ino == upper_ino || ino == work_ino)
			return HF_REASON_WRITABLE_LAYER;
		parent = READ(dentry, d_parent);
		if (parent == dentry)
			return HF_REASON_LISTED;
		dentry = parent;
	}
	return HF_REASON_LAYER_UNKNOWN;
}

/* The layer of an overlay file, by the real file behind it: found by climbing
 * the real filesystem, which holds where the overlay module has no BTF. */
static __noinline u32 overlay_layer(const struct hf_binding *b, struct file *file)
{
	struct file *real = overlay_real_file(file);
	struct inode *inode = READ(real, f_inode);

	if (!inode || (READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return HF_REASON_LAYER_UNKNOWN;
	if (!(b->flags & HF_BINDING_OVERLAY))
		return HF_REASON_LAYER_UNKNOWN;
	if (READ(inode, i_sb, s_dev) != b->upper_dev)
		return HF_REASON_LISTED; /* a lower layer on another filesystem */
	return layer_of((u64)inode_alias(inode), b->upper_ino, b->work_ino);
}

/* Is a file that a rule lists still the one that was there at the start? */
PART_OF_CALLER u32 drift(const struct hf_binding *b, struct file *file, struct inode *inode)
{
	u32 reason, nsec = 0;
	s64 sec = 0;

	if (READ(inode, i_sb, s_magic) == OVERLAYFS_SUPER_MAGIC) {
		reason = overlay_layer(b, file);
		if (reason != HF_REASON_LISTED)
			return reason;
	}
	if (!inode_ctime(inode, &sec, &nsec) || sec > b->started_sec ||
	    (sec == b->started_sec && nsec > b->started_nsec))
		return HF_REASON_CHANGED_FILE;
	return HF_REASON_LISTED;
}

#endif
