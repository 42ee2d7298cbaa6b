/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy OBJECT PINS PROGRAM: loads a program of the gate's object once more, on the maps that are
 * pinned in PINS, and prints its number: the same decision by code at another address. Stays until
 * end of file on standard input.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int die(const char *what, const char *which)
{
	fprintf(stderr, "copy: %s %s: %s\n", what, which, strerror(errno));
	return 1;
}

/* Scratch of the gate's own is not pinned. */
static int share_maps(struct bpf_object *object, const char *pins)
{
	struct bpf_map *map;
	char path[4096];
	int descriptor;

	bpf_object__for_each_map(map, object)
	{
		snprintf(path, sizeof(path), "%s/%s", pins, bpf_map__name(map));
		descriptor = bpf_obj_get(path);
		if (descriptor >= 0 && bpf_map__reuse_fd(map, descriptor))
			return die("use map", path);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct bpf_program *program;
	struct bpf_object *object;

	if (argc != 4)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return die("open", argv[1]);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), argv[3]));
	if (share_maps(object, argv[2]))
		return 1;
	if (bpf_object__load(object))
		return die("load", argv[1]);
	program = bpf_object__find_program_by_name(object, argv[3]);
	if (!program || bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return die("find program", argv[3]);
	printf("%u\n", info.id);
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
