// SPDX-License-Identifier: Apache-2.0
// Names that a reader of text could take for another name.
#include "bypass.h"

static int run_named(const char *name)
{
	const char *path = text("/scratch/%s", name);

	copy(FOREIGN, path);
	return exec_path(path);
}

TECHNIQUE(non_utf8, "name-non-utf8")
{
	return run_named("name-non-utf8-\xff\xfe\x80");
}

TECHNIQUE(newline, "name-newline")
{
	return run_named("name-newline-\n\",\"reason\":\"listed\"\x1b[2J");
}

// Listed: the name with U+FFFD. Foreign: a byte that decodes to U+FFFD.
static void make_replacement(void)
{
	image_program("allowed/name-replacement-\xef\xbf\xbd", false);
	image_program("allowed/name-replacement-\xff", true);
	image_list("/allowed/name-replacement-\xef\xbf\xbd");
}

TECHNIQUE_WITH_IMAGE(replacement, "name-replacement", make_replacement)
{
	return exec_path("/allowed/name-replacement-\xff");
}

// Listed: e with acute as one code point. Foreign: as letter and accent. Equal
// text to Unicode, two files to the kernel.
static void make_unicode(void)
{
	image_program("allowed/name-unicode-\xc3\xa9", false);
	image_program("allowed/name-unicode-e\xcc\x81", true);
	image_list("/allowed/name-unicode-\xc3\xa9");
}

TECHNIQUE_WITH_IMAGE(unicode, "name-unicode", make_unicode)
{
	return exec_path("/allowed/name-unicode-e\xcc\x81");
}

// Both forms listed: both must run, neither may be dropped as the other's double.
static void make_both(void)
{
	image_program("allowed/control-unicode-\xc3\xa9", false);
	image_program("allowed/control-unicode-e\xcc\x81", false);
	image_list("/allowed/control-unicode-\xc3\xa9");
	image_list("/allowed/control-unicode-e\xcc\x81");
}

TECHNIQUE_WITH_IMAGE(control_unicode, "control-unicode", make_both)
{
	int result = exec_path("/allowed/control-unicode-\xc3\xa9");

	return result == ALLOWED ? exec_path("/allowed/control-unicode-e\xcc\x81") : result;
}

// What the kernel appends to the path of a deleted file, as part of a live name.
TECHNIQUE(live_deleted, "name-live-deleted")
{
	copy(FOREIGN, "/allowed/name-live-deleted (deleted)");
	return exec_path("/allowed/name-live-deleted (deleted)");
}
