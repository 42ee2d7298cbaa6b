// SPDX-License-Identifier: Apache-2.0
// No path at all, or one relative to a folder: execveat.
#include "bypass.h"

TECHNIQUE(execveat_empty, "execveat-empty")
{
	return exec_fd(need(open(FOREIGN, O_RDONLY | O_CLOEXEC), FOREIGN));
}

TECHNIQUE(execveat_relative, "execveat-relative")
{
	// the relative path equals the end of a listed one
	return exec_at(need(open("/foreign-root", O_PATH), "open"), "allowed/execveat-relative");
}
