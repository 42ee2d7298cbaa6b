// SPDX-License-Identifier: Apache-2.0
// Another folder becomes "/".
#include "bypass.h"

static void change_root(void *unused)
{
	(void)unused;
	need(chroot("/foreign-root"), "chroot");
	need(chdir("/"), "chdir");
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(chroot_exec, "chroot")
{
	return attempt(change_root, NULL);
}

// The whole container turns: all its tasks, back again afterwards.
TECHNIQUE(pivot, "pivot-root")
{
	int result;

	need(mount("/foreign-root", "/foreign-root", NULL, MS_BIND, NULL), "bind mount");
	need(syscall(SYS_pivot_root, "/foreign-root", "/foreign-root/old"), "pivot_root");
	need(chdir("/"), "chdir");
	result = exec_path(GENUINE);
	need(syscall(SYS_pivot_root, "/old", "/old/tmp"), "pivot_root back");
	need(chdir("/"), "chdir");
	umount2("/tmp", MNT_DETACH);
	return result;
}

static void make_at_top(void)
{
	image_program(technique_name, true);
}

// The old root in a folder of the new one: what was /NAME is /allowed/NAME then, which is listed.
TECHNIQUE_WITH_IMAGE(pivot_longer, "pivot-root-longer", make_at_top)
{
	int result;

	need(mount("/foreign-root", "/foreign-root", NULL, MS_BIND, NULL), "bind mount");
	need(syscall(SYS_pivot_root, "/foreign-root", "/foreign-root/allowed"), "pivot_root");
	need(chdir("/"), "chdir");
	result = exec_path(GENUINE);
	need(syscall(SYS_pivot_root, "/allowed", "/allowed/tmp"), "pivot_root back");
	need(chdir("/"), "chdir");
	umount2("/tmp", MNT_DETACH);
	return result;
}

// What an initramfs does: a mount moved over "/", entered by chroot.
static void enter_covering(void *unused)
{
	(void)unused;
	need(chdir("/foreign-root"), "chdir");
	need(mount(".", "/", NULL, MS_MOVE, NULL), "move over /");
	need(chroot("."), "chroot");
	do_exec_path((void *)GENUINE);
}

TECHNIQUE(cover_root, "mount-over-root")
{
	int result;

	need(mount("/foreign-root", "/foreign-root", NULL, MS_BIND, NULL), "bind mount");
	result = attempt(enter_covering, NULL);
	need(chdir("/.."), "chdir"); // ".." of the root leads to what covers it
	umount2(".", MNT_DETACH);
	return result;
}
