/* SPDX-License-Identifier: Apache-2.0 */
/* The hook's message, as Sources/Shared/HookRequest.swift has it. */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CREATE_RUNTIME = 1, POSTSTOP = 3, CREATING = 1, STOPPED = 4, BOUND = 1, REMOVED = 4 };

static unsigned char *field(unsigned char *at, uint16_t type, const void *value, uint16_t bytes)
{
	memcpy(at, &type, 2);
	memcpy(at + 2, &bytes, 2);
	memcpy(at + 4, value, bytes);
	return at + 4 + bytes;
}

/* The frame's bytes. `frame` has 8,192; id and bundle together less than 8,000. */
static size_t encode(unsigned char *frame, const char *id, const char *bundle, uint32_t pid,
		     uint8_t phase, uint8_t status)
{
	unsigned char *end = frame + 12;
	uint32_t payload;

	memcpy(frame, "HFHK\1\0\1\0", 8);
	end = field(end, 1, &phase, 1);
	end = field(end, 2, &pid, 4);
	end = field(end, 3, &status, 1);
	end = field(end, 4, id, strlen(id));
	end = field(end, 5, bundle, strlen(bundle));
	payload = end - frame - 12;
	memcpy(frame + 8, &payload, 4);
	return end - frame;
}

/* The outcome, the first field's one byte; -1: no answer. */
static int ask(const struct sockaddr_un *address, const unsigned char *frame, size_t bytes)
{
	int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned char answer[8192];
	ssize_t count = -1;

	if (!connect(connection, (const struct sockaddr *)address, sizeof(*address)) &&
	    write(connection, frame, bytes) == (ssize_t)bytes)
		count = read(connection, answer, sizeof(answer));
	close(connection);
	return count >= 17 ? answer[16] : -1;
}

#endif
