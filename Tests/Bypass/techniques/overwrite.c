// SPDX-License-Identifier: Apache-2.0
// The listed program keeps its path and gets other bytes.
#include <sys/mman.h>

#include "bypass.h"

TECHNIQUE(overwrite, "overwrite")
{
	int fd = need(open(GENUINE, O_WRONLY | O_TRUNC | O_CLOEXEC), "open");

	write_payload(fd);
	close(fd);
	return exec_path(GENUINE);
}

// And its modification time set back to before the container's start.
TECHNIQUE(overwrite_times, "overwrite-times")
{
	const struct timespec old[2] = {{1000, 0}, {1000, 0}};
	int fd = need(open(GENUINE, O_WRONLY | O_TRUNC | O_CLOEXEC), "open");

	write_payload(fd);
	need(futimens(fd, old), "futimens");
	close(fd);
	return exec_path(GENUINE);
}

// Through a shared mapping: no write call, and both programs have one size.
TECHNIQUE(overwrite_mmap, "overwrite-mmap")
{
	int from = need(open(FOREIGN, O_RDONLY | O_CLOEXEC), "open");
	int to = need(open(GENUINE, O_RDWR | O_CLOEXEC), "open");
	struct stat source, target;
	char *bytes;

	fstat(from, &source);
	fstat(to, &target);
	if (source.st_size > target.st_size)
		skip("the payload is longer than the genuine program");
	bytes = mmap(NULL, target.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	if (bytes == MAP_FAILED)
		skip("mmap: %s", strerror(errno));
	read(from, bytes, source.st_size);
	munmap(bytes, target.st_size);
	close(to); // a file open for writing cannot be executed
	return exec_path(GENUINE);
}
