// SPDX-License-Identifier: Apache-2.0
// Who calls: another thread, a child that shares our memory, the C library's
// way to start programs, the 32-bit system call.
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>

#include "bypass.h"

extern char **environ;

static void *exec_in_thread(void *path)
{
	do_exec_path(path);
	return (void *)(long)errno;
}

static void in_thread(void *path)
{
	pthread_t thread;
	void *error;

	if (pthread_create(&thread, NULL, exec_in_thread, path))
		skip("pthread_create");
	pthread_join(thread, &error);
	errno = (long)error;
}

TECHNIQUE(thread, "thread")
{
	return attempt(in_thread, (void *)FOREIGN);
}

TECHNIQUE(control_thread, "control-thread")
{
	return attempt(in_thread, (void *)GENUINE);
}

static void *own_namespace(void *unused)
{
	(void)unused;
	need(unshare(CLONE_FS | CLONE_NEWNS), "unshare");
	need(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
	need(mount(FOREIGN, GENUINE, NULL, MS_BIND, NULL), "bind mount");
	return exec_in_thread((void *)GENUINE);
}

static void thread_with_namespace(void *unused)
{
	pthread_t thread;
	void *error;

	(void)unused;
	if (pthread_create(&thread, NULL, own_namespace, NULL))
		skip("pthread_create");
	pthread_join(thread, &error);
	errno = (long)error;
}

// One thread of the process sees other mounts than the rest.
TECHNIQUE(thread_namespace, "thread-mount-namespace")
{
	return attempt(thread_with_namespace, NULL);
}

static void by_vfork(void *path)
{
	int status;
	pid_t child = vfork();

	if (child == 0) {
		do_exec_path(path);
		_exit(errno == EPERM ? REFUSED : TROUBLE);
	}
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : REFUSED);
}

TECHNIQUE(vfork_exec, "vfork")
{
	return attempt(by_vfork, (void *)FOREIGN);
}

TECHNIQUE(control_vfork, "control-vfork")
{
	return attempt(by_vfork, (void *)GENUINE);
}

static void by_spawn(void *path)
{
	char *arguments[] = {path, NULL};
	int status;
	pid_t child;

	errno = posix_spawn(&child, path, NULL, NULL, arguments, environ);
	if (errno)
		return;
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : REFUSED);
}

TECHNIQUE(spawn, "posix-spawn")
{
	return attempt(by_spawn, (void *)FOREIGN);
}

static void by_int80(void *path)
{
#ifdef __x86_64__
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned int *arguments = (unsigned int *)(low + 2048);
	long result;

	strcpy(low, path);
	arguments[0] = (unsigned int)(unsigned long)low;
	arguments[1] = 0;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(11L), "b"(low), "c"(arguments), "d"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (result == -ENOSYS)
		skip("no 32-bit system calls");
	errno = -result;
#else
	(void)path;
	skip("no 32-bit system calls");
#endif
}

TECHNIQUE(compat, "compat-execve")
{
	return attempt(by_int80, (void *)FOREIGN);
}
