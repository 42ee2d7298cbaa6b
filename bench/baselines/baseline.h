/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What both baselines share: the path of an executable as one zero-padded string, which is the
 * key of the maps. Everything is done in the cheapest way that still decides right in the
 * benchmark; see README.md.
 */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include "../../bpf/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "../../bpf/compat.h"

#define KEY_BYTES 256
#define COMPONENTS_MAX 40

struct path_key {
	char text[KEY_BYTES];
	/* not in the key: a last component may be longer than what is left */
	char spill[KEY_BYTES];
	u64 allowed, refused; /* execs; a benchmark kills nobody */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct path_key);
} scratch SEC(".maps");

/* Components leaf first, each ended by NUL, the rest zeros. NULL: too long. */
static __always_inline struct path_key *key_of(struct linux_binprm *bprm)
{
	struct file *file = READ(bprm, file);
	struct dentry *dentry = READ(file, f_path.dentry), *parent;
	struct vfsmount *vfsmount = READ(file, f_path.mnt);
	struct mount *mnt = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt), *above;
	u32 zero = 0, used = 0, i;
	struct path_key *key = bpf_map_lookup_elem(&scratch, &zero);
	long length;

	if (!key)
		return NULL;
	__builtin_memset(key->text, 0, sizeof(key->text));
	for (i = 0; i < COMPONENTS_MAX; i++) {
		if (dentry == READ(mnt, mnt.mnt_root)) {
			above = READ(mnt, mnt_parent);
			if (above == mnt)
				return key;
			dentry = READ(mnt, mnt_mountpoint);
			mnt = above;
			continue;
		}
		length = bpf_probe_read_kernel_str(key->text + (used & (KEY_BYTES - 1)), KEY_BYTES,
						   READ(dentry, d_name.name));
		if (length < 0)
			return NULL;
		used += length;
		if (used >= KEY_BYTES)
			return NULL;
		parent = READ(dentry, d_parent);
		if (parent == dentry)
			return NULL;
		dentry = parent;
	}
	return NULL;
}

/* An agent would send a signal here; the measured execs are all allowed. */
static __always_inline void decide(struct path_key *key, void *allowed)
{
	if (key && allowed && bpf_map_lookup_elem(allowed, key))
		key->allowed++;
	else if (key)
		key->refused++;
}

#endif
