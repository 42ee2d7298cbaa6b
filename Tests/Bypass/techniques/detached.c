// SPDX-License-Identifier: Apache-2.0
// Mounts that are in no folder of the mount namespace.
#include "bypass.h"

#ifndef SYS_open_tree
#error "these headers are older than Linux 5.2"
#endif

TECHNIQUE(open_tree_exec, "open-tree")
{
	int fd = need(syscall(SYS_open_tree, AT_FDCWD, "/foreign-root",
			      1 /* OPEN_TREE_CLONE */ | O_CLOEXEC),
		      "open_tree");

	return exec_at(fd, "allowed/open-tree");
}

TECHNIQUE(fsmount_exec, "fsmount")
{
	int context = need(syscall(SYS_fsopen, "tmpfs", 1 /* CLOEXEC */), "fsopen");
	int tree, file;

	need(syscall(SYS_fsconfig, context, 6 /* CMD_CREATE */, NULL, NULL, 0), "fsconfig");
	tree = need(syscall(SYS_fsmount, context, 1 /* CLOEXEC */, 0), "fsmount");
	file = need(openat(tree, "fsmount", O_WRONLY | O_CREAT | O_CLOEXEC, 0755), "openat");
	write_payload(file);
	close(file);
	return exec_at(tree, "fsmount");
}

TECHNIQUE(lazy, "lazy-umount")
{
	int folder;

	need(mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"), "mount tmpfs");
	copy(FOREIGN, in("/tmp"));
	folder = need(open("/tmp", O_PATH | O_CLOEXEC), "open");
	need(umount2("/tmp", MNT_DETACH), "umount");
	return exec_at(folder, "lazy-umount");
}

// A folder renamed out of the mount through which it was opened: no path leads
// to it any more. /volume-sub is /volume/sub, both mounted before the start.
TECHNIQUE(moved_out, "moved-out-of-mount")
{
	int folder;

	need(mkdir("/volume-sub/folder", 0755), "mkdir");
	copy(FOREIGN, in("/volume-sub/folder"));
	folder = need(open("/volume-sub/folder", O_PATH | O_CLOEXEC), "open");
	need(rename("/volume/sub/folder", "/volume/folder"), "rename");
	return exec_at(folder, technique_name);
}
