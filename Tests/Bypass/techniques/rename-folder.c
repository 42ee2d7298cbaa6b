// SPDX-License-Identifier: Apache-2.0
// Not the file is renamed but the folder above it: the file itself stays as it
// was. The overlay refuses this for folders of the image (EXDEV).
#include "bypass.h"

static void make_folder(void)
{
	mkdir("listed-folder", 0755);
	mkdir("other-folder", 0755);
	image_program("listed-folder/rename-folder", false);
	image_program("other-folder/rename-folder", true);
	image_list("/listed-folder/rename-folder");
}

TECHNIQUE_WITH_IMAGE(rename_folder, "rename-folder", make_folder)
{
	need(rename("/listed-folder", "/listed-folder-away"), "rename of a folder");
	need(rename("/other-folder", "/listed-folder"), "rename of a folder");
	return exec_path("/listed-folder/rename-folder");
}

static void make_tree(void)
{
	mkdir("other-tree", 0755);
	image_program("other-tree/rename-into-tree", true);
}

// Into a folder that is listed with all that is below it.
TECHNIQUE_WITH_IMAGE(rename_into_tree, "rename-into-tree", make_tree)
{
	need(rename("/other-tree", "/tree/other-tree"), "rename of a folder");
	return exec_path("/tree/other-tree/rename-into-tree");
}
