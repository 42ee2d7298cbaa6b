// SPDX-License-Identifier: Apache-2.0
// A privileged container that shares the host's pid namespace. HOST_FOREIGN is
// a folder of payloads on the host, HOST_PID a process there, VICTIM_PID the init of
// another container.
#include "bypass.h"

static const char *host_foreign(void)
{
	const char *folder = getenv("HOST_FOREIGN");

	if (!folder)
		skip("HOST_FOREIGN is not set");
	return in(folder);
}

static void enter(void *namespace)
{
	int fd = need(open(namespace, O_RDONLY | O_CLOEXEC), namespace);

	need(setns(fd, CLONE_NEWNS), "setns");
}

static const char *process(const char *variable)
{
	const char *pid = getenv(variable);

	if (!pid || !*pid)
		skip("%s is not set", variable);
	return text("/proc/%s", pid);
}

static void enter_host(void *unused)
{
	(void)unused;
	enter((void *)text("%s/ns/mnt", process("HOST_PID")));
	do_exec_path((void *)host_foreign());
}

TECHNIQUE(nsenter, "nsenter-host")
{
	return attempt(enter_host, NULL);
}

TECHNIQUE(proc_root_host, "proc-root-host")
{
	return exec_path(text("%s/root%s", process("HOST_PID"), host_foreign()));
}

static void enter_victim(void *unused)
{
	(void)unused;
	enter((void *)text("%s/ns/mnt", process("VICTIM_PID")));
	do_exec_path((void *)FOREIGN);
}

TECHNIQUE(setns_victim, "setns-other-container")
{
	return attempt(enter_victim, NULL);
}
