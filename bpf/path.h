/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Which executable: the path of a file, from its dentry through the mounts to
 * the top of its mount namespace - not to the task's root, or a chroot would
 * forge paths - and the path's key (docs/path-key.md).
 *
 * Written for the verifier of Linux 5.10 to 7.x: loops are in global functions
 * of scalars, which are verified once whatever their caller knows, and a loop's
 * body only ever goes on or leaves. Where paths would join again inside a loop
 * the verifier forgets what it has proven and starts over, without end.
 */
#ifndef HOLDFAST_PATH_H
#define HOLDFAST_PATH_H

/* A place in the tree of mounts and dentries. */
struct cursor {
	struct dentry *dentry;
	struct dentry *mnt_root;
	struct mount *mnt;
};

static __always_inline struct mount *real_mount(struct vfsmount *mnt)
{
	return (struct mount *)((void *)mnt - bpf_core_field_offset(struct mount, mnt));
}

static __always_inline struct cursor cursor_at(u64 dentry, u64 mnt)
{
	struct cursor c = { .dentry = (void *)dentry, .mnt = (void *)mnt };

	c.mnt_root = READ(c.mnt, mnt.mnt_root);
	return c;
}

/* From a mount's root to the mountpoint below it. False at the top. */
static __always_inline bool cross(struct cursor *c)
{
	struct mount *parent = READ(c->mnt, mnt_parent);

	if (!parent || parent == c->mnt)
		return false;
	c->dentry = READ(c->mnt, mnt_mountpoint);
	c->mnt = parent;
	c->mnt_root = READ(parent, mnt.mnt_root);
	return true;
}

/* False at a filesystem root that is not the mount's root: a bind mount whose
 * source was moved away, or a file opened by handle and not yet connected. */
static __always_inline bool ascend(struct cursor *c)
{
	struct dentry *parent = READ(c->dentry, d_parent);

	if (!parent || parent == c->dentry)
		return false;
	c->dentry = parent;
	return true;
}

/* What measure() returns in one number. */
struct extent {
	u32 reason; /* HF_REASON_LISTED when the walk reached the top */
	u32 components;
	u32 bytes; /* of names, with a NUL each */
};

static __always_inline u64 pack_extent(u32 reason, u32 components, u32 bytes)
{
	return (u64)reason << 56 | (u64)components << 32 | bytes;
}

static __always_inline struct extent unpack_extent(u64 packed)
{
	struct extent e = {
		.reason = packed >> 56,
		.components = packed >> 32 & 0xffffff,
		.bytes = packed,
	};
	return e;
}

/* Pass 1: does the path reach the top, with how many components and bytes? */
__noinline u64 measure(u64 dentry, u64 mnt)
{
	struct cursor c = cursor_at(dentry, mnt);
	u32 components = 0, bytes = 0;
	int m, i;

#pragma unroll
	for (m = 0; m < HF_PATH_MOUNTS_MAX; m++) {
		for (i = 0; i < HF_PATH_COMPONENTS_MAX && c.dentry != c.mnt_root; i++) {
			components++;
			bytes += READ(c.dentry, d_name.len) + 1;
			if (!ascend(&c))
				return pack_extent(HF_REASON_PATH_UNREACHABLE, components, bytes);
		}
		if (c.dentry != c.mnt_root)
			return pack_extent(HF_REASON_PATH_TOO_DEEP, components, bytes);
		if (!cross(&c))
			return pack_extent(HF_REASON_LISTED, components, bytes);
	}
	return pack_extent(HF_REASON_PATH_TOO_DEEP, components, bytes);
}

/*
 * The container's root among the mounts above a file, by its id; 0: not there, or
 * not at "/". Above it there may be others (the kernel's own rootfs, since 7.x one
 * more), but none may add a component: a root that pivot_root moved to a folder of
 * a new one would make all of its paths longer, and perhaps listed.
 */
__noinline u64 root_mount(u64 mnt, u32 wanted)
{
	struct mount *m = (void *)mnt, *root = NULL, *parent;
	int i;

	for (i = 0; i < HF_PATH_MOUNTS_MAX; i++) {
		if (READ(m, mnt_id) == wanted)
			break;
		parent = READ(m, mnt_parent);
		if (!parent || parent == m)
			return 0;
		m = parent;
	}
	if (i == HF_PATH_MOUNTS_MAX)
		return 0;
	root = m;
	for (i = 0; i < HF_PATH_MOUNTS_MAX; i++) {
		parent = READ(m, mnt_parent);
		if (!parent)
			return 0;
		if (parent == m)
			return (u64)root;
		if (READ(m, mnt_mountpoint) != READ(parent, mnt.mnt_root))
			return 0;
		m = parent;
	}
	return 0;
}

/* The sum of the components' values, both lanes: the path's key. */
__noinline int path_key(u64 dentry, u64 mnt, u32 components)
{
	struct cursor c = cursor_at(dentry, mnt);
	u64 key[2] = { 0, 0 };
	const unsigned char *name;
	u32 len;
	int m, i;

#pragma unroll
	for (m = 0; m < HF_PATH_MOUNTS_MAX; m++) {
		for (i = 0; i < HF_PATH_COMPONENTS_MAX && c.dentry != c.mnt_root; i++) {
			len = READ(c.dentry, d_name.len);
			name = READ(c.dentry, d_name.name);
			key[0] += component_value((u64)name, len, components, 0);
			key[1] += component_value((u64)name, len, components, 1);
			components--;
			if (!ascend(&c))
				return HF_REASON_PATH_UNREACHABLE;
		}
		if (c.dentry != c.mnt_root)
			return HF_REASON_PATH_TOO_DEEP;
		if (!cross(&c)) {
			/* another number than measured: renamed meanwhile */
			if (components)
				return HF_REASON_PATH_UNREACHABLE;
			return hand_over(key) ? HF_REASON_LISTED : HF_REASON_UNREADABLE;
		}
	}
	return HF_REASON_PATH_TOO_DEEP;
}

/* One directory of the path: is it listed with all below it? */
__noinline int is_listed_directory(u64 lane0, u64 lane1, u64 set, u32 depth, u64 depths)
{
	struct hf_rule_key key = {
		.rule_set = set >> 32,
		.generation = set,
		.path = { lane0, lane1 },
	};
	u64 *flags;

	if (depth == 0 || depth > 63 || !(depths >> depth & 1))
		return false;
	flags = bpf_map_lookup_elem(&rules, &key);
	return flags && *flags & HF_RULE_DIRECTORY;
}

/* Pass 3, for rule sets with directory rules: takes the components off the
 * path's key, which the caller has handed over, one by one, so that what remains
 * is each directory's key. Negative when the key did not arrive. */
__noinline int in_listed_directory(u64 dentry, u64 mnt, u64 set, u32 components, u64 depths)
{
	struct cursor c = cursor_at(dentry, mnt);
	const unsigned char *name;
	u64 key[2];
	u32 len;
	int m, i;

	if (!take_over(key))
		return -1;
#pragma unroll
	for (m = 0; m < HF_PATH_MOUNTS_MAX; m++) {
		for (i = 0; i < HF_PATH_COMPONENTS_MAX && c.dentry != c.mnt_root; i++) {
			len = READ(c.dentry, d_name.len);
			name = READ(c.dentry, d_name.name);
			key[0] -= component_value((u64)name, len, components, 0);
			key[1] -= component_value((u64)name, len, components, 1);
			components--;
			if (is_listed_directory(key[0], key[1], set, components, depths))
				return true;
			if (!ascend(&c))
				return false;
		}
		if (c.dentry != c.mnt_root || !cross(&c))
			return false;
	}
	return false;
}

struct walk {
	u64 key[2];
	u64 dentry;
	u64 mnt;  /* the file's own struct mount */
	u64 root; /* the container's root mount, 0: the file is not below it */
	struct extent extent;
};

static __always_inline void walk_path(struct walk *w, struct file *file, u32 root_mnt_id)
{
	w->dentry = (u64)READ(file, f_path.dentry);
	w->mnt = (u64)real_mount(READ(file, f_path.mnt));
	w->root = root_mount(w->mnt, root_mnt_id);
	w->extent = unpack_extent(measure(w->dentry, w->mnt));
	if (w->extent.reason == HF_REASON_LISTED && w->extent.components > HF_PATH_COMPONENTS_MAX)
		w->extent.reason = HF_REASON_PATH_TOO_DEEP;
	if (w->extent.reason != HF_REASON_LISTED)
		return;
	w->extent.reason = path_key(w->dentry, w->mnt, w->extent.components);
	if (w->extent.reason == HF_REASON_LISTED && !take_over(w->key))
		w->extent.reason = HF_REASON_UNREADABLE;
}

#endif
