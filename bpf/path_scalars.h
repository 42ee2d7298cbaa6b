/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The walk for every kernel: before 5.12 a function that is verified on its own takes and returns
 * numbers only. Each walks by itself: how far is it, is the container's root there, the key.
 *
 * A loop's body only ever goes on or leaves. Where paths would join again inside a loop the verifier
 * of 5.10 forgets what it has proven and starts over, without end.
 */
#ifndef HOLDFAST_PATH_SCALARS_H
#define HOLDFAST_PATH_SCALARS_H

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

static __always_inline void walk_path(struct walk *w, struct file *file, u32 root_mnt_id)
{
	w->dentry = (u64)READ(file, f_path.dentry);
	w->mnt = (u64)real_mount(READ(file, f_path.mnt));
	w->root = root_mount(w->mnt, root_mnt_id);
	w->extent = unpack_extent(measure(w->dentry, w->mnt));
	if (w->extent.reason == HF_REASON_LISTED && w->extent.components > HF_PATH_COMPONENTS_MAX)
		w->extent.reason = HF_REASON_PATH_TOO_DEEP;
	if (!w->extent.components)
		w->extent.reason = HF_REASON_PATH_UNREACHABLE;
	if (w->extent.reason != HF_REASON_LISTED)
		return;
	w->extent.reason = path_key(w->dentry, w->mnt, w->extent.components);
	if (w->extent.reason == HF_REASON_LISTED && !take_over(w->key))
		w->extent.reason = HF_REASON_UNREADABLE;
}

#endif
