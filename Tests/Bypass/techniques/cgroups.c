// SPDX-License-Identifier: Apache-2.0
// Out of the container's cgroup, or deeper into it. Needs a writable cgroupfs
// at /sys/fs/cgroup and, as container runtimes often give, no cgroup namespace.
#include <linux/sched.h>

#include "bypass.h"

// Calls visit for each hierarchy: its mount and our cgroup in it.
static int each(int (*visit)(const char *mount, const char *cgroup))
{
	FILE *table = fopen("/proc/self/cgroup", "re");
	char line[4096];
	int count = 0;

	while (table && fgets(line, sizeof(line), table)) {
		char *controllers = strchr(line, ':'), *cgroup;
		const char *mount;

		if (!controllers || !(cgroup = strchr(controllers + 1, ':')))
			continue;
		*cgroup++ = 0;
		cgroup[strcspn(cgroup, "\n")] = 0;
		controllers++;
		if (!strncmp(controllers, "name=", 5))
			controllers += 5;
		mount = text("/sys/fs/cgroup/%s", *controllers ? controllers : "unified");
		if (!*controllers && access(mount, F_OK))
			mount = "/sys/fs/cgroup";
		count += visit(mount, cgroup);
	}
	if (table)
		fclose(table);
	return count;
}

static int enter(const char *folder)
{
	int fd, moved = 0;

	if (mkdir(folder, 0755) && errno != EEXIST)
		return 0;
	fd = open(text("%s/cgroup.procs", folder), O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		moved = write(fd, "0", 1) == 1; // fails for a cpuset without CPUs
		close(fd);
	}
	return moved;
}

static int enter_nested(const char *mount, const char *cgroup)
{
	return enter(text("%s%s/nested", mount, cgroup));
}

static int enter_sibling(const char *mount, const char *cgroup)
{
	(void)cgroup;
	return enter(text("%s/bypass-sibling", mount));
}

// Of another container, under the same policy: bypass_victim.
static int enter_victims(const char *mount, const char *cgroup)
{
	const char *end = strrchr(cgroup, '/');

	return enter(text("%s%.*s/victim", mount, (int)(end - cgroup), cgroup));
}

static int remove_sibling(const char *mount, const char *cgroup)
{
	(void)cgroup;
	return rmdir(text("%s/bypass-sibling", mount));
}

static int remove_nested(const char *mount, const char *cgroup)
{
	return rmdir(text("%s%s/nested", mount, cgroup));
}

static void nested(void *path)
{
	if (each(enter_nested) == 0)
		skip("no cgroup could be entered: %s", strerror(errno));
	do_exec_path(path);
}

static void sibling(void *path)
{
	if (each(enter_sibling) == 0)
		skip("no cgroup could be entered: %s", strerror(errno));
	do_exec_path(path);
}

TECHNIQUE(cgroup_nested, "cgroup-nested")
{
	int result = attempt(nested, (void *)FOREIGN);

	each(remove_nested);
	return result;
}

TECHNIQUE(cgroup_sibling, "cgroup-sibling")
{
	int result = attempt(sibling, (void *)FOREIGN);

	each(remove_sibling);
	return result;
}

static void in_victims(void *path)
{
	if (each(enter_victims) == 0)
		skip("no cgroup could be entered: %s", strerror(errno));
	do_exec_path(path);
}

// Listed for that container as it is for this one, so that only the cgroup is wrong.
TECHNIQUE(cgroup_other_container, "cgroup-other-container")
{
	return attempt(in_victims, (void *)GENUINE);
}

static void make_listed(void)
{
	image_program(in("allowed"), true);
}

// The payload is listed here, so that only the cgroup is wrong.
TECHNIQUE_WITH_IMAGE(cgroup_sibling_listed, "cgroup-sibling-listed", make_listed)
{
	int result = attempt(sibling, (void *)GENUINE);

	each(remove_sibling);
	return result;
}

TECHNIQUE(control_nested_cgroup, "control-cgroup-nested")
{
	int result = attempt(nested, (void *)GENUINE);

	each(remove_nested);
	return result;
}

// Born in the other cgroup (Linux 5.7), by no write to cgroup.procs.
static void born_outside(void *path)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	const char *top = access("/sys/fs/cgroup/unified", F_OK) ? "/sys/fs/cgroup" :
								   "/sys/fs/cgroup/unified";
	const char *folder = text("%s/bypass-sibling", top);
	int status;
	pid_t child;

	mkdir(folder, 0755);
	arguments.cgroup = need(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder);
	child = need(syscall(SYS_clone3, &arguments, sizeof(arguments)), "clone3");
	if (child == 0) {
		do_exec_path(path);
		_exit(errno == EPERM ? REFUSED : TROUBLE);
	}
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : REFUSED);
}

TECHNIQUE(clone_into, "clone-into-cgroup")
{
	int result = attempt(born_outside, (void *)FOREIGN);

	each(remove_sibling);
	return result;
}

// A cgroup namespace of the workload's own: its cgroup looks like the root of all from inside.
static void in_own_view(void *path)
{
	need(unshare(CLONE_NEWCGROUP), "unshare");
	do_exec_path(path);
}

static void in_own_view_nested(void *path)
{
	if (each(enter_nested) == 0)
		skip("no cgroup could be entered: %s", strerror(errno));
	in_own_view(path);
}

TECHNIQUE(control_cgroup_namespace, "control-cgroup-namespace")
{
	return attempt(in_own_view, (void *)GENUINE);
}

TECHNIQUE(cgroup_namespace, "cgroup-namespace")
{
	return attempt(in_own_view, (void *)FOREIGN);
}

TECHNIQUE(cgroup_namespace_nested, "cgroup-namespace-nested")
{
	int result = attempt(in_own_view_nested, (void *)FOREIGN);

	each(remove_nested);
	return result;
}
