// SPDX-License-Identifier: Apache-2.0
//
// Runs one exec attempt and tells what became of it. Trusts no exit code alone:
// whether a program ran is read from the witness file.
#include <stdarg.h>
#include <sys/mman.h>

#include "bypass.h"

extern char **environ;

const char *text(const char *format, ...)
{
	char *result;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&result, format, arguments) < 0)
		abort();
	va_end(arguments);
	return result; // never freed: a technique's process lives for moments
}

const char *in(const char *directory)
{
	return text("%s/%s", directory, technique_name);
}

void skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, 256, format, arguments);
	va_end(arguments);
	_exit(SKIPPED);
}

int need(int value, const char *what)
{
	if (value < 0)
		skip("%s: %s", what, strerror(errno));
	return value;
}

int witnessed(void)
{
	char content[4096];
	ssize_t length = pread(WITNESS_FD, content, sizeof(content) - 1, 0);

	if (length <= 0)
		return -1;
	content[length] = 0;
	return strstr(content, "foreign") ? RAN : ALLOWED;
}

int attempt(void (*how)(void *), void *argument)
{
	int report[2], error = 0, status;
	pid_t child;

	need(pipe2(report, O_CLOEXEC), "pipe2");
	child = need(fork(), "fork");
	if (child == 0) {
		how(argument);
		error = errno;
		write(report[1], &error, sizeof(error));
		_exit(TROUBLE);
	}
	close(report[1]);
	if (read(report[0], &error, sizeof(error)) != sizeof(error))
		error = 0; // the exec went past the point of no return, or setup ended
	close(report[0]);
	need(waitpid(child, &status, 0), "waitpid");
	if (witnessed() == RAN)
		return RAN;
	if (error == EPERM)
		return REFUSED;
	if (error) {
		snprintf(detail, 256, "exec failed otherwise: %s", strerror(error));
		return TROUBLE;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return REFUSED;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	snprintf(detail, 256, "ended by signal %d", WTERMSIG(status));
	return TROUBLE;
}

void do_exec_path(void *path)
{
	char *arguments[] = {path, NULL};

	execve(path, arguments, environ);
}

void do_exec_fd(void *fd)
{
	char *arguments[] = {(char *)technique_name, NULL};

	syscall(SYS_execveat, *(int *)fd, "", arguments, environ, AT_EMPTY_PATH);
}

int exec_path(const char *path)
{
	return attempt(do_exec_path, (void *)path);
}

int exec_fd(int fd)
{
	return attempt(do_exec_fd, &fd);
}

struct place {
	int directory;
	const char *path;
};

static void do_exec_at(void *argument)
{
	struct place *place = argument;
	char *arguments[] = {(char *)place->path, NULL};

	syscall(SYS_execveat, place->directory, place->path, arguments, environ, 0);
}

int exec_at(int directory, const char *path)
{
	struct place place = {directory, path};

	return attempt(do_exec_at, &place);
}

static void pour(int from, int to)
{
	char block[65536];
	ssize_t length;

	while ((length = read(from, block, sizeof(block))) > 0)
		if (write(to, block, length) != length)
			skip("write: %s", strerror(errno));
}

void write_payload(int fd)
{
	int source = need(open(FOREIGN, O_RDONLY | O_CLOEXEC), FOREIGN);

	pour(source, fd);
	close(source);
}

void copy(const char *from, const char *to)
{
	int source = need(open(from, O_RDONLY | O_CLOEXEC), from);
	int target = need(open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), to);

	pour(source, target);
	fchmod(target, 0755);
	close(source);
	close(target);
}

void put_text(const char *path, const char *content)
{
	int fd = need(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), path);

	need(write(fd, content, strlen(content)), path);
	fchmod(fd, 0755);
	close(fd);
}

void append(const char *path, const char *content, const char *what)
{
	int fd = need(open(path, O_WRONLY | O_CLOEXEC), what);

	need(write(fd, content, strlen(content)), what);
	close(fd);
}

void enter_user_namespace(int flags)
{
	const char *uid = text("0 %d 1", geteuid()), *gid = text("0 %d 1", getegid());

	need(unshare(CLONE_NEWUSER | flags), "unshare(CLONE_NEWUSER)");
	append("/proc/self/setgroups", "deny", "setgroups");
	append("/proc/self/uid_map", uid, "uid_map");
	append("/proc/self/gid_map", gid, "gid_map");
	if (flags & CLONE_NEWNS)
		need(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
}

pid_t keep_in_background(int (*how)(void), int *value)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready[2];
	char byte;
	// CLONE_FILES: a descriptor opened there is a descriptor here
	pid_t child;

	need(pipe2(ready, O_CLOEXEC), "pipe2");
	child = need(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0), "clone");
	if (child == 0) {
		*shared = how();
		write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	// The write end is shared too, so a child that skips is noticed by its end.
	fcntl(ready[0], F_SETFL, O_NONBLOCK);
	while (read(ready[0], &byte, 1) != 1) {
		int status;
		if (waitpid(child, &status, WNOHANG) == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : TROUBLE);
		usleep(1000);
	}
	*value = *shared;
	return child;
}
