// SPDX-License-Identifier: Apache-2.0
// A user namespace of one's own gives every mount trick to a workload without
// any privilege: `unshare -Urm`.
#include "bypass.h"

static void bind_file(void *unused)
{
	(void)unused;
	enter_user_namespace(CLONE_NEWNS);
	need(mount(FOREIGN, GENUINE, NULL, MS_BIND, NULL), "bind mount");
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(userns_bind, "userns-bind-mount")
{
	return attempt(bind_file, NULL);
}

static void change_root(void *unused)
{
	(void)unused;
	enter_user_namespace(0); // and the container's own mount namespace
	need(chroot("/foreign-root"), "chroot");
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(userns_chroot, "userns-chroot")
{
	return attempt(change_root, NULL);
}

static void pivot(void *unused)
{
	(void)unused;
	enter_user_namespace(CLONE_NEWNS);
	need(mount("/foreign-root", "/foreign-root", NULL, MS_BIND, NULL), "bind mount");
	need(syscall(SYS_pivot_root, "/foreign-root", "/foreign-root/old"), "pivot_root");
	need(chdir("/"), "chdir");
	need(umount2("/old", MNT_DETACH), "umount");
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(userns_pivot, "userns-pivot-root")
{
	return attempt(pivot, NULL);
}

static void cover(void *unused)
{
	(void)unused;
	const char *payload = FOREIGN;

	enter_user_namespace(CLONE_NEWNS);
	need(mount("tmpfs", "/allowed", "tmpfs", 0, "mode=755"), "mount tmpfs");
	copy(payload, GENUINE);
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(userns_tmpfs, "userns-tmpfs")
{
	return attempt(cover, NULL);
}

// Since Linux 5.11 a user namespace may mount overlays.
static void overlay(void *unused)
{
	(void)unused;
	enter_user_namespace(CLONE_NEWNS);
	need(mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"), "mount tmpfs");
	need(mkdir("/tmp/upper", 0755), "mkdir");
	need(mkdir("/tmp/work", 0755), "mkdir");
	copy(FOREIGN, in("/tmp/upper"));
	need(mount("overlay", "/allowed", "overlay", 0,
		   "lowerdir=/allowed,upperdir=/tmp/upper,workdir=/tmp/work,userxattr"),
	     "mount overlay");
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(userns_overlay, "userns-overlay")
{
	return attempt(overlay, NULL);
}
