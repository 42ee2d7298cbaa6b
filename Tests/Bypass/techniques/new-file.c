// SPDX-License-Identifier: Apache-2.0
// A file that the image did not have.
#include "bypass.h"

// At a path of its own.
TECHNIQUE(new_file, "new-file")
{
	copy(FOREIGN, "/tmp/new-file");
	return exec_path("/tmp/new-file");
}

static void make(void)
{
	need(unlink("allowed/new-file-listed"), "unlink");
}

// At a listed path that was empty.
TECHNIQUE_WITH_IMAGE(new_file_listed, "new-file-listed", make)
{
	copy(FOREIGN, GENUINE);
	return exec_path(GENUINE);
}

static void make_tree(void)
{
	image_list("/tree/");
}

// In a folder that is listed with all that is below it.
TECHNIQUE_WITH_IMAGE(new_file_in_tree, "new-file-in-tree", make_tree)
{
	copy(FOREIGN, "/tree/new-file-in-tree");
	return exec_path("/tree/new-file-in-tree");
}
