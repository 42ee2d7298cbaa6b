/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Which executable: the path of a file, from its dentry through the mounts to
 * the top of its mount namespace - not to the task's root, or a chroot would
 * forge paths - and the path's key (docs/path-key.md).
 *
 * Written for the verifier of Linux 5.10 to 7.x: loops are in global functions,
 * which are verified once whatever their caller knows. walk_path() is there twice,
 * for what such a function may take: path_scalars.h and path_memory.h.
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

/* How far a walk came. */
struct extent {
	u32 reason; /* HF_REASON_LISTED when it reached the top */
	u32 components;
	u32 bytes; /* of names, with a NUL each */
};

struct walk {
	u64 key[2];
	u64 dentry;
	u64 mnt;  /* the file's own struct mount */
	u64 root; /* the container's root mount, 0: the file is not below it */
	struct extent extent;
};

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

#endif
