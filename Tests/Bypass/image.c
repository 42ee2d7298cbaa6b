// SPDX-License-Identifier: Apache-2.0
//
// Makes the container's image on the host, before the start: what lies here is
// old (not in the writable layer, not changed since the start).
#include <dirent.h>

#include "bypass.h"

static const char *source; // the folder of the driver and the two programs

static void folder(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		need(-1, path);
}

static void copy_in(const char *name, const char *path)
{
	copy(text("%s/%s", source, name), path);
}

void image_program(const char *path, bool payload)
{
	copy_in(payload ? "witness" : "genuine", path);
}

void image_copy(const char *name, const char *path)
{
	copy_in(name, path);
}

void image_list(const char *path)
{
	puts(path);
}

// Folders of names, 200 bytes long, then the program. Relative steps, because
// the path from the host's root may be longer than the kernel takes at once.
const char *image_long_path(const char *parent, const char *name, size_t length, bool payload)
{
	int back = need(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ".");
	char path[8192];
	size_t at = snprintf(path, sizeof(path), "/%s", parent);

	need(chdir(parent), parent);
	for (size_t left; (left = length - at - 1 - strlen(name)) > 0;) {
		size_t part = left > 202 ? 200 : left - 1; // never leave 1: "/" alone
		path[at++] = '/';
		memset(path + at, 'p', part);
		path[at + part] = 0;
		folder(path + at);
		need(chdir(path + at), "long path");
		at += part;
	}
	snprintf(path + at, sizeof(path) - at, "/%s", name);
	image_program(name, payload);
	need(fchdir(back), "back");
	close(back);
	return text("%s", path);
}

// Removes what make_image() made: rm cannot, where its paths become too long.
static void empty_folder(int folder)
{
	DIR *entries = fdopendir(folder);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		int inner;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(dirfd(entries), entry->d_name, 0) == 0)
			continue;
		inner = openat(dirfd(entries), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner >= 0)
			empty_folder(inner);
		unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
	}
	closedir(entries);
}

void clean_image(const char *directory)
{
	int folder = open(text("%s/rootfs/long", directory),
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder >= 0)
		empty_folder(folder);
}

void make_image(const char *directory, const char *programs)
{
	static const char *const folders[] = {
		"bypass", "foreign", "allowed", "foreign-root", "foreign-root/allowed",
		"foreign-root/old", "interpreters", "tree", "loader", "out", "scratch", "volume",
		"volume-sub", "volume-reuse", "proc", "sys", "dev", "tmp", "long",
	};

	source = programs;
	folder(directory);
	need(chdir(directory), directory);
	folder("volume");
	folder("volume/sub");
	folder("outside");
	folder("rootfs");
	need(chdir("rootfs"), "rootfs");
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		folder(folders[i]);
	chmod("tmp", 01777);
	copy_in("driver", "bypass/driver");
	image_list("/bypass/driver");
	copy_in("ldso", "loader/ldso");
}
