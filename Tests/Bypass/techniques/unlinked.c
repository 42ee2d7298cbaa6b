// SPDX-License-Identifier: Apache-2.0
// Files that have lost their name, or never had one.
#include "bypass.h"

static int reopened(int fd)
{
	int read_only = need(open(text("/proc/self/fd/%d", fd), O_RDONLY | O_CLOEXEC), "reopen");

	close(fd);
	return read_only;
}

TECHNIQUE(tmpfile_exec, "o-tmpfile")
{
	int fd = need(open("/scratch", O_TMPFILE | O_RDWR | O_CLOEXEC, 0755), "O_TMPFILE");

	write_payload(fd);
	return exec_fd(reopened(fd));
}

TECHNIQUE(deleted, "deleted-file")
{
	int fd = need(open(FOREIGN, O_RDONLY | O_CLOEXEC), "open");

	need(unlink(FOREIGN), "unlink");
	return exec_fd(fd);
}

// Listed path, other bytes, then deleted.
TECHNIQUE(deleted_allowed, "deleted-allowed")
{
	int fd;

	copy(FOREIGN, GENUINE);
	fd = need(open(GENUINE, O_RDONLY | O_CLOEXEC), "open");
	need(unlink(GENUINE), "unlink");
	return exec_fd(fd);
}

// One of its two names is gone, so the file still counts a link.
TECHNIQUE(deleted_link, "deleted-hard-link")
{
	int fd;

	need(unlink(GENUINE), "unlink");
	need(link(FOREIGN, GENUINE), "link");
	fd = need(open(GENUINE, O_RDONLY | O_CLOEXEC), "open");
	need(unlink(GENUINE), "unlink");
	return exec_fd(fd);
}
