// SPDX-License-Identifier: Apache-2.0
// Another file at the listed path, by link and by rename.
#include "bypass.h"

TECHNIQUE(hard_link, "hard-link")
{
	need(unlink(GENUINE), "unlink");
	need(link(FOREIGN, GENUINE), "link");
	return exec_path(GENUINE);
}

TECHNIQUE(rename_over, "rename")
{
	need(rename(FOREIGN, GENUINE), "rename");
	return exec_path(GENUINE);
}

TECHNIQUE(rename_exchange, "rename-exchange")
{
	need(syscall(SYS_renameat2, AT_FDCWD, FOREIGN, AT_FDCWD, GENUINE, 2 /* EXCHANGE */),
	     "renameat2");
	return exec_path(GENUINE);
}
