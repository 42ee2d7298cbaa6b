/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The walk where a function that is verified on its own takes memory (since Linux 5.12): one loop,
 * twice from the file to the top. An exec finds the gate's code in no cache, so what counts is how much
 * of it runs for the first time: this one is a third of the other.
 */
#ifndef HOLDFAST_PATH_MEMORY_H
#define HOLDFAST_PATH_MEMORY_H

/* What the walk counts. In memory, not in registers: to the verifier a number that it has read from
 * memory is any number, and where paths join again in the loop there is nothing that differs. */
struct steps {
	u32 components; /* of this pass so far */
	u32 mounts;
	u32 total; /* components that the first pass has found; 0: this is the first pass */
};

/* Adds both lanes of a component to the key. */
__noinline int add_component(struct walk *w, u64 name, u32 len, u32 index)
{
	u32 zero = 0, lane;
	const struct hf_config *cfg = bpf_map_lookup_elem(&config, &zero);

	if (!w || !cfg)
		return 0; /* cannot be */
#pragma clang loop unroll(disable)
	for (lane = 0; lane < 2; lane++)
		w->key[lane] += lane_value(&cfg->secret[2 * lane], name, len, index);
	return 0;
}

/* The reason that `w` has before stays where the walk leads too far. */
__noinline int follow(struct walk *w, volatile struct steps *steps, u32 root_mnt_id)
{
	struct cursor c;
	u32 len;
	int i;

	if (!w || !steps)
		return 0; /* cannot be */
	c = cursor_at(w->dentry, w->mnt);
	for (i = 0; i < 2 * (HF_PATH_COMPONENTS_MAX + HF_PATH_MOUNTS_MAX); i++) {
		if (c.dentry != c.mnt_root) {
			steps->components++;
			if (steps->total) {
				/* the number of a component counts from the top */
				len = READ(c.dentry, d_name.len);
				w->extent.bytes += len + 1;
				add_component(w, (u64)READ(c.dentry, d_name.name), len,
					      steps->total + 1 - steps->components);
			}
			if (!ascend(&c)) {
				w->extent.reason = HF_REASON_PATH_UNREACHABLE;
				return 0;
			}
			continue;
		}
		if (READ(c.mnt, mnt_id) == root_mnt_id)
			w->root = (u64)c.mnt;
		if (++steps->mounts > HF_PATH_MOUNTS_MAX)
			return 0;
		if (cross(&c)) {
			/* Above the container's root there may be other mounts (the kernel's own rootfs,
			 * since 7.x one more), but none may add a component: a root that pivot_root moved
			 * to a folder of a new one would make all of its paths longer, perhaps listed. */
			if (c.dentry != c.mnt_root)
				w->root = 0;
			continue;
		}
		if (steps->total) {
			/* another number than before: renamed meanwhile */
			w->extent.reason = steps->total == steps->components ?
						   HF_REASON_LISTED :
						   HF_REASON_PATH_UNREACHABLE;
			return 0;
		}
		if (steps->components > HF_PATH_COMPONENTS_MAX)
			return 0;
		if (!steps->components) {
			w->extent.reason = HF_REASON_PATH_UNREACHABLE;
			return 0;
		}
		steps->total = steps->components;
		steps->components = steps->mounts = 0;
		c = cursor_at(w->dentry, w->mnt);
	}
	return 0;
}

static __always_inline void walk_path(struct walk *w, struct file *file, u32 root_mnt_id)
{
	struct steps steps = {};

	w->dentry = (u64)READ(file, f_path.dentry);
	w->mnt = (u64)real_mount(READ(file, f_path.mnt));
	w->extent.reason = HF_REASON_PATH_TOO_DEEP;
	follow(w, &steps, root_mnt_id);
	w->extent.components = steps.total;
	if (w->extent.reason != HF_REASON_LISTED)
		w->extent.bytes = HF_EVENT_PATH_LARGE; /* not all was seen */
}

#endif
