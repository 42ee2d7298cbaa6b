// SPDX-License-Identifier: Apache-2.0
// The kernel's worker opens the file for us (io_uring); we only execute the
// descriptor. io_uring itself cannot execute.
#include <linux/io_uring.h>
#include <sys/mman.h>

#include "bypass.h"

static void *map(int ring, off_t offset)
{
	void *area = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, offset);

	if (area == MAP_FAILED)
		skip("mmap of the ring: %s", strerror(errno));
	return area;
}

TECHNIQUE(uring, "io-uring-open")
{
	struct io_uring_params parameters = {0};
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);
	struct io_uring_sqe *request;
	struct io_uring_cqe *answer;
	char *submissions, *completions;

	need(ring, "io_uring_setup");
	fcntl(ring, F_SETFD, FD_CLOEXEC);
	submissions = map(ring, IORING_OFF_SQ_RING);
	completions = map(ring, IORING_OFF_CQ_RING);
	request = map(ring, IORING_OFF_SQES);
	memset(request, 0, sizeof(*request));
	request->opcode = IORING_OP_OPENAT;
	request->flags = IOSQE_ASYNC; // by a worker thread, not by us
	request->fd = AT_FDCWD;
	request->addr = (unsigned long)FOREIGN;
	request->open_flags = O_RDONLY | O_CLOEXEC;
	((unsigned int *)(submissions + parameters.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned int *)(submissions + parameters.sq_off.tail), 1,
			 __ATOMIC_RELEASE);
	need(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0),
	     "io_uring_enter");
	answer = (void *)(completions + parameters.cq_off.cqes);
	if (answer->res < 0)
		skip("open by io_uring: %s", strerror(-answer->res));
	return exec_fd(answer->res);
}
