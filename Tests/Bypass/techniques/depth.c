// SPDX-License-Identifier: Apache-2.0
// Deep folders: 1 to 3,000. The gate follows 64 components; deeper is refused.
#include "bypass.h"

// A payload at that many components below the root, run from its folder.
static int at_depth(int components, const char *from, const char *top)
{
	need(chdir(top), top);
	const char *folder = text("%s-%d", technique_name, components);
	need(mkdir(folder, 0755), "mkdir");
	need(chdir(folder), "chdir");
	for (int i = 3; i < components; i++) {
		need(mkdir("d", 0755), "mkdir");
		need(chdir("d"), "chdir");
	}
	copy(from, technique_name);
	return exec_at(AT_FDCWD, technique_name);
}

TECHNIQUE(depth_ladder, "depth-ladder")
{
	int result = exec_path(FOREIGN); // 2

	for (int components = 3; components <= 64 && result == REFUSED; components++)
		result = at_depth(components, FOREIGN, "/scratch");
	return result;
}

TECHNIQUE(depth_beyond, "depth-beyond")
{
	static const int depths[] = {65, 66, 67, 100, 128, 1000, 3000};
	int result = REFUSED;

	for (size_t i = 0; i < sizeof(depths) / sizeof(*depths) && result == REFUSED; i++)
		result = at_depth(depths[i], FOREIGN, "/scratch");
	return result;
}

// A folder rule does not reach deeper than the gate can follow.
static void make(void)
{
	mkdir("tree/depth-in-tree", 0755);
	need(chdir("tree/depth-in-tree"), "tree");
	for (int i = 0; i < 70; i++) {
		mkdir("d", 0755);
		need(chdir("d"), "d");
	}
	image_program("depth-in-tree", true);
	for (int i = 0; i < 72; i++)
		need(chdir(".."), "..");
}

TECHNIQUE_WITH_IMAGE(depth_in_tree, "depth-in-tree", make)
{
	need(chdir("/tree/depth-in-tree"), "tree");
	for (int i = 0; i < 70; i++)
		need(chdir("d"), "d");
	return exec_at(AT_FDCWD, "depth-in-tree");
}

// 63 and 64 components, listed.
static void make_controls(void)
{
	for (int components = 63; components <= 64; components++) {
		char path[512];
		int at = snprintf(path, sizeof(path), "/long/deep-%d", components);

		mkdir(path + 1, 0755);
		for (int i = 3; i < components; i++) {
			at += snprintf(path + at, sizeof(path) - at, "/d");
			mkdir(path + 1, 0755);
		}
		snprintf(path + at, sizeof(path) - at, "/control-depth");
		image_program(path + 1, false);
		image_list(path);
	}
}

TECHNIQUE_WITH_IMAGE(control_depth, "control-depth", make_controls)
{
	int result = ALLOWED;

	for (int components = 63; components <= 64 && result == ALLOWED; components++) {
		char path[512];
		int at = snprintf(path, sizeof(path), "/long/deep-%d", components);

		for (int i = 3; i < components; i++)
			at += snprintf(path + at, sizeof(path) - at, "/d");
		snprintf(path + at, sizeof(path) - at, "/control-depth");
		result = exec_path(path);
	}
	return result;
}
