/* SPDX-License-Identifier: Apache-2.0 */
/* Linux calls that glibc of Debian 12 or Swift's import of it does not offer. */
#pragma once
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* With _GNU_SOURCE only, which Swift's import does not set. */
static const int HF_O_PATH = 010000000;

/* Opens `path` as a process whose root is `root` would: symbolic links and `..`
 * do not lead out. Magic links (/proc/<pid>/fd) are not followed. */
static inline int hf_open_in_root(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(__NR_openat2, root, path, &how, sizeof(how));
}

/* Is the file on an overlay? 1 also when it cannot be told. */
static inline int hf_is_overlay(int descriptor)
{
	struct statfs status;

	return fstatfs(descriptor, &status) != 0 || status.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* The kernel's own form of a device number, as its superblocks have it. */
static inline uint32_t hf_kernel_device(dev_t device)
{
	return (uint32_t)(major(device) << 20 | minor(device));
}

/* The process at the other end of a Unix socket. */
struct hf_peer {
	int32_t pid;
	uint32_t uid;
	uint32_t gid;
};

static inline int hf_peer_of(int socket, struct hf_peer *peer)
{
	struct { int32_t pid; uint32_t uid; uint32_t gid; } credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
		return -1;
	peer->pid = credentials.pid;
	peer->uid = credentials.uid;
	peer->gid = credentials.gid;
	return 0;
}

/* The calling thread is to run as soon as there is work for it, however many others want to: it
 * does little, and they wait for it. Its slice is short, which tells kernels from 6.12 on that it
 * cannot wait; threads that it makes are as others. False when this is not allowed. */
static inline int hf_hurry(void)
{
	/* struct sched_attr of sched_setattr(2), which headers have in different places */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = {
		.size = sizeof(attributes),
		.policy = 0, /* SCHED_OTHER */
		.flags = 1,  /* SCHED_FLAG_RESET_ON_FORK */
		.nice = -20,
		.runtime = 100000,
	};

	return syscall(__NR_sched_setattr, 0, &attributes, 0) == 0;
}

/* A process by descriptor: its number may become another's, the descriptor does not. */
static inline int hf_open_process(int32_t pid)
{
	return (int)syscall(__NR_pidfd_open, pid, 0);
}

static inline int hf_signal_process(int process, int signal)
{
	return (int)syscall(__NR_pidfd_send_signal, process, signal, NULL, 0);
}

/* The user who made a user namespace. */
static inline int hf_owner_of_user_namespace(int descriptor, uid_t *owner)
{
	return ioctl(descriptor, NS_GET_OWNER_UID, owner);
}
