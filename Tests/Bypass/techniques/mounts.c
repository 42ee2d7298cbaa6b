// SPDX-License-Identifier: Apache-2.0
// Mounts over listed paths in the container's own mount namespace (CAP_SYS_ADMIN).
#include "bypass.h"

TECHNIQUE(bind_mount, "bind-mount")
{
	int result;

	need(mount(FOREIGN, GENUINE, NULL, MS_BIND, NULL), "bind mount");
	result = exec_path(GENUINE);
	umount2(GENUINE, MNT_DETACH);
	return result;
}

TECHNIQUE(bind_folder, "bind-mount-folder")
{
	int result;

	need(mount("/foreign", "/allowed", NULL, MS_BIND, NULL), "bind mount");
	result = exec_path(GENUINE);
	umount2("/allowed", MNT_DETACH);
	return result;
}

TECHNIQUE(tmpfs, "tmpfs-over-allowed")
{
	int result;

	need(mount("tmpfs", "/allowed", "tmpfs", 0, "mode=755"), "mount tmpfs");
	copy(FOREIGN, GENUINE);
	result = exec_path(GENUINE);
	umount2("/allowed", MNT_DETACH);
	return result;
}

TECHNIQUE(overlay, "overlay-over-allowed")
{
	int result;

	need(mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"), "mount tmpfs");
	need(mkdir("/tmp/upper", 0755), "mkdir");
	need(mkdir("/tmp/work", 0755), "mkdir");
	copy(FOREIGN, in("/tmp/upper"));
	need(mount("overlay", "/allowed", "overlay", 0,
		   "lowerdir=/allowed,upperdir=/tmp/upper,workdir=/tmp/work"),
	     "mount overlay");
	result = exec_path(GENUINE);
	umount2("/allowed", MNT_DETACH);
	umount2("/tmp", MNT_DETACH);
	return result;
}

// A mount that was there at the start, moved over the listed path.
TECHNIQUE(move_volume, "move-volume")
{
	int result;

	copy(FOREIGN, in("/volume-reuse"));
	need(mount("/volume-reuse", "/allowed", NULL, MS_MOVE, NULL), "move");
	result = exec_path(GENUINE);
	mount("/allowed", "/volume-reuse", NULL, MS_MOVE, NULL);
	return result;
}

static int mount_id(const char *path)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char line[8192], point[4096];
	int id, found = -1;

	while (table && fgets(line, sizeof(line), table))
		if (sscanf(line, "%d %*d %*s %*s %4095s", &id, point) == 2 && !strcmp(point, path))
			found = id;
	if (table)
		fclose(table);
	return found;
}

static void make_reuse(void)
{
	image_list("/volume-reuse/mount-id-reuse");
}

// The kernel gives the lowest free number, so a volume taken away leaves its
// own to the next mount.
TECHNIQUE_WITH_IMAGE(reuse, "mount-id-reuse", make_reuse)
{
	int before = mount_id("/volume-reuse"), result;

	if (before < 0)
		skip("/volume-reuse is not mounted");
	need(umount2("/volume-reuse", 0), "umount of the volume");
	usleep(50000); // the number is free a grace period later
	need(mount("tmpfs", "/volume-reuse", "tmpfs", 0, "mode=755"), "mount tmpfs");
	for (int i = 0; mount_id("/volume-reuse") != before; i++) {
		if (i == 200)
			skip("the new mount got another number");
		// keeps a lower number, so that the next mount gets a higher one
		need(mount("/volume-reuse", "/tmp", NULL, MS_MOVE, NULL), "move");
		need(mount("tmpfs", "/volume-reuse", "tmpfs", 0, "mode=755"), "mount tmpfs");
	}
	copy(FOREIGN, in("/volume-reuse"));
	result = exec_path(in("/volume-reuse"));
	while (umount2("/tmp", MNT_DETACH) == 0)
		;
	return result;
}
