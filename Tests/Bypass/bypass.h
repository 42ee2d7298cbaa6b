// SPDX-License-Identifier: Apache-2.0
//
// What every technique of the bypass corpus shares. A technique is one file in
// techniques/: it may prepare the container's image (on the host, before the
// start) and it tries to get the payload executed (in the container).
//
// The payload is `/foreign/<technique>`, a copy of witness.c that no rule
// lists. `/allowed/<technique>` is a copy of the genuine program, and listed.
// `/foreign-root/allowed/<technique>` is the payload once more, for techniques
// that turn another directory into "/".
#ifndef BYPASS_H
#define BYPASS_H
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "witness.h"

// Exit codes of a technique. RAN and ALLOWED are those of the programs themselves.
enum result {
	REFUSED = 0, // the exec failed with EPERM, or its process was killed
	SKIPPED = 2, // cannot be set up here; the reason is printed
	TROUBLE = 3, // neither: a fault of the corpus
	RAN = FOREIGN_CODE,
	ALLOWED = GENUINE_CODE,
};

struct technique {
	const char *name;
	int (*run)(void);
	void (*image)(void); // on the host, in the image's root folder; may be NULL
};

#define TECHNIQUE_WITH_IMAGE(function, name, image)                                    \
	static int function(void);                                                     \
	static const struct technique technique_##function = {name, function, image};  \
	static const struct technique *const entry_##function                          \
		__attribute__((used, section("techniques"))) = &technique_##function;  \
	static int function(void)
#define TECHNIQUE(function, name) TECHNIQUE_WITH_IMAGE(function, name, NULL)

extern const char *technique_name; // the one that runs, or whose image is made

// Paths of the technique: in("/foreign") is "/foreign/<technique>".
const char *in(const char *directory);
#define FOREIGN in("/foreign")
#define GENUINE in("/allowed")
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Ends the technique as skipped, from whichever process of it.
void skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
// The value, or skip with errno when it is negative.
int need(int value, const char *what);

// Runs `how` in a child; `how` ends in an exec. Tells what became of it.
int attempt(void (*how)(void *), void *argument);
int exec_path(const char *path);
int exec_fd(int fd);
int exec_at(int directory, const char *path);
// The exec itself, for use inside `how`.
void do_exec_path(void *path);
void do_exec_fd(void *fd);
extern char *detail; // one line for the table; 256 bytes, shared with the driver
// What the witness file says: RAN, ALLOWED, or -1 for nothing yet.
int witnessed(void);

void copy(const char *from, const char *to); // mode 755, skip on failure
void put_text(const char *path, const char *content);
void write_payload(int fd);                  // the bytes of /foreign/<technique>
void append(const char *path, const char *content, const char *what);

// unshare(CLONE_NEWUSER | flags), then root inside. Needs no privilege.
void enter_user_namespace(int flags);
// A process that shares our descriptors runs `how`, then stays until the end.
// Its namespaces stay with it. Returns its pid; *value is what `how` returned.
pid_t keep_in_background(int (*how)(void), int *value);

// Image making (host). Paths are relative to the image's root.
void image_program(const char *path, bool payload);
void image_copy(const char *source, const char *path); // a file beside the driver
void image_list(const char *path);                     // an absolute path for the policy
// Makes `name` below `parent` (both from the current folder) so that the
// absolute path has exactly `length` bytes; returns that absolute path.
const char *image_long_path(const char *parent, const char *name, size_t length, bool payload);

#endif
