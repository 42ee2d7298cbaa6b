// SPDX-License-Identifier: Apache-2.0
// A fresh symlink with a harmless name.
#include "bypass.h"

TECHNIQUE(symlink_to_foreign, "symlink-to-foreign")
{
	const char *link = in("/scratch");

	need(symlink(FOREIGN, link), "symlink");
	return exec_path(link);
}
