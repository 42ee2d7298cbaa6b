// SPDX-License-Identifier: Apache-2.0
// A file without a place in any folder, under names that look like one.
#include <sys/mman.h>

#include "bypass.h"

static int memory_file(const char *name)
{
	int fd = syscall(SYS_memfd_create, name, 0x10 /* MFD_EXEC */);

	if (fd < 0 && errno == EINVAL) // before Linux 6.3
		fd = syscall(SYS_memfd_create, name, 0);
	need(fd, "memfd_create");
	write_payload(fd);
	// read-only, or the exec fails with ETXTBSY
	return need(open(text("/proc/self/fd/%d", fd), O_RDONLY), "reopen");
}

static int run_closed(const char *name)
{
	int fd = memory_file(name);

	for (int other = 3; other < WITNESS_FD; other++)
		if (other != fd)
			close(other);
	return exec_fd(fd);
}

TECHNIQUE(memfd, "memfd")
{
	return run_closed("memfd");
}

TECHNIQUE(memfd_allowed, "memfd-allowed-name")
{
	return run_closed("/allowed/memfd-allowed-name");
}

// The name of the runtime's own copy of itself.
TECHNIQUE(memfd_runc, "memfd-runc-name")
{
	return run_closed("runc_cloned:/proc/self/exe");
}

TECHNIQUE(memfd_path, "memfd-proc-fd")
{
	int fd = memory_file("memfd-proc-fd");

	for (int other = 3; other < WITNESS_FD; other++)
		if (other != fd)
			close(other);
	return exec_path(text("/proc/self/fd/%d", fd));
}
