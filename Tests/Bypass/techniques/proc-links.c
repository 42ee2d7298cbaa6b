// SPDX-License-Identifier: Apache-2.0
// Magic links of /proc that stand for the payload or for a folder above it.
#include "bypass.h"

TECHNIQUE(proc_fd, "proc-self-fd")
{
	int fd = need(open(FOREIGN, O_PATH), FOREIGN);

	return exec_path(text("/proc/self/fd/%d", fd));
}

TECHNIQUE(proc_root, "proc-1-root")
{
	return exec_path("/proc/1/root/foreign/proc-1-root");
}

TECHNIQUE(proc_cwd, "proc-self-cwd")
{
	need(chdir("/foreign"), "chdir");
	return exec_path("/proc/self/cwd/proc-self-cwd");
}
