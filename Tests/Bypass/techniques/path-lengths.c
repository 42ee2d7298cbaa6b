// SPDX-License-Identifier: Apache-2.0
// Every length where a fixed buffer is likely to end: a path that is cut there
// could equal a listed one.
#include "bypass.h"

static const size_t lengths[] = {127, 128, 255, 256, 511, 512, 1024, 4000, 4094};

static const char *leaf(size_t length)
{
	return text("path-truncated-%zu", length);
}

// Listed: a path of exactly that length. Foreign: the same and one letter more.
static void make(void)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		image_list(image_long_path("long", leaf(lengths[i]), lengths[i], false));
		image_long_path("long", text("%sx", leaf(lengths[i])), lengths[i] + 1, true);
	}
}

// The same folders as make() made: found by length, not by listing.
static const char *made(const char *name, size_t length)
{
	char path[8192] = "/long";
	size_t at = 5;

	for (size_t left; (left = length - at - 1 - strlen(name)) > 0;) {
		size_t part = left > 202 ? 200 : left - 1;
		path[at++] = '/';
		memset(path + at, 'p', part);
		at += part;
		path[at] = 0;
	}
	return text("%s/%s", path, name);
}

TECHNIQUE_WITH_IMAGE(path_truncated, "path-truncated", make)
{
	int result = REFUSED;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths) && result == REFUSED; i++)
		result = exec_path(made(text("%sx", leaf(lengths[i])), lengths[i] + 1));
	return result;
}

TECHNIQUE(control_long, "control-long-path")
{
	int result = ALLOWED;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths) && result == ALLOWED; i++)
		result = exec_path(made(leaf(lengths[i]), lengths[i]));
	return result;
}

// Unlisted paths of 120 to 150, 255, 256 and 4,095 bytes.
TECHNIQUE(path_lengths, "path-lengths")
{
	int result = REFUSED;

	for (size_t length = 120; length <= 256 && result == REFUSED; length++) {
		char path[512];
		int at = snprintf(path, sizeof(path), "/scratch/path-lengths-");

		if (length == 151)
			length = 255;
		memset(path + at, 'l', length - at);
		path[length] = 0;
		copy(FOREIGN, path);
		result = exec_path(path);
	}
	return result;
}

// Beyond PATH_MAX: 40 folders of 250 bytes, reached step by step.
TECHNIQUE(path_beyond, "path-beyond-4095")
{
	char name[251];
	const char *payload = FOREIGN;

	memset(name, 'b', 250);
	name[250] = 0;
	need(chdir("/scratch"), "chdir");
	for (int i = 0; i < 40; i++) {
		need(mkdir(name, 0755), "mkdir");
		need(chdir(name), "chdir");
	}
	copy(payload, technique_name);
	return exec_at(AT_FDCWD, technique_name);
}
