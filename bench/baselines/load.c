/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load OBJECT-FOLDER programs|inner POLICIES EXECUTABLES CGROUP PATH: loads a baseline with so
 * many policies of so many executables. The first is for CGROUP and allows PATH as well; the
 * others are for cgroups that there are not (1 is the root of all: their numbers begin far above). Prints `program ID` and `map ID` lines, then `ready`;
 * attaches nothing; all of it goes at end of standard input.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 256 };

#define NO_CGROUP (1ull << 48)

static int executables;

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(1);
}

static void tell_map(int map)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	check(bpf_obj_get_info_by_fd(map, &info, &size), "ask of a map");
	printf("map %u\n", info.id);
}

static void tell(struct bpf_object *object)
{
	struct bpf_prog_info info = {};
	struct bpf_map *map;
	__u32 size = sizeof(info);

	check(bpf_obj_get_info_by_fd(bpf_program__fd(bpf_object__next_program(object, NULL)), &info,
				     &size),
	      "ask of a program");
	printf("program %u\n", info.id);
	bpf_object__for_each_map(map, object) tell_map(bpf_map__fd(map));
}

/* As baseline.h has it: components leaf first, each with its NUL, zeros behind. */
static void path_key(char key[KEY_BYTES], const char *path)
{
	char copy[KEY_BYTES], *slash;
	size_t used = 0;

	memset(key, 0, KEY_BYTES);
	check(strlen(path) >= KEY_BYTES, "a path that is too long");
	strcpy(copy, path);
	while ((slash = strrchr(copy, '/'))) {
		strcpy(key + used, slash + 1);
		used += strlen(slash + 1) + 1;
		*slash = 0;
	}
}

static void fill(int map, int policy, const char *path)
{
	char key[KEY_BYTES], name[KEY_BYTES], one = 1;
	int n;

	for (n = 0; n < executables; n++) {
		snprintf(name, sizeof(name), "/opt/app%d/bin/program-%d", policy, n);
		path_key(key, n == 0 && policy == 0 ? path : name);
		check(bpf_map_update_elem(map, key, &one, BPF_ANY), "write an executable");
	}
}

static struct bpf_object *open_object(const char *folder, const char *kind)
{
	char path[4096];
	struct bpf_object *object;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, kind);
	object = bpf_object__open_file(path, NULL);
	check(!object, path);
	return object;
}

static void load_program(const char *folder, int policy, __u64 cgroup, const char *path)
{
	struct bpf_object *object = open_object(folder, "programs");
	char one = 1;

	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "allowed"), executables);
	check(bpf_object__load(object), "load a program");
	cgroup = policy == 0 ? cgroup : NO_CGROUP + policy;
	check(bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "workloads"), &cgroup,
				  &one, BPF_ANY),
	      "write a workload");
	fill(bpf_object__find_map_fd_by_name(object, "allowed"), policy, path);
	tell(object);
}

static void load_inner(const char *folder, int policies, __u64 first, const char *path)
{
	struct bpf_object *object = open_object(folder, "inner");
	int inner, policy;

	check(bpf_object__load(object), "load the program");
	for (policy = 0; policy < policies; policy++) {
		__u64 cgroup = policy == 0 ? first : NO_CGROUP + policy;

		inner = bpf_map_create(BPF_MAP_TYPE_HASH, "allowed", KEY_BYTES, 1, executables,
				       NULL);
		check(inner < 0, "make an inner map");
		fill(inner, policy, path);
		check(bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "policies"),
					  &policy, &inner, BPF_ANY) ||
			      bpf_map_update_elem(
				      bpf_object__find_map_fd_by_name(object, "workloads"), &cgroup,
				      &policy, BPF_ANY),
		      "write a policy");
		tell_map(inner);
	}
	tell(object);
}

int main(int argc, char **argv)
{
	int policies, policy;
	__u64 cgroup;

	if (argc != 7)
		return 2;
	policies = atoi(argv[3]);
	executables = atoi(argv[4]);
	cgroup = strtoull(argv[5], NULL, 10);
	libbpf_set_print(NULL);
	if (!strcmp(argv[2], "inner"))
		load_inner(argv[1], policies, cgroup, argv[6]);
	else
		for (policy = 0; policy < policies; policy++)
			load_program(argv[1], policy, cgroup, argv[6]);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
