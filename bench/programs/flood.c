/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood PINS RATE SECONDS FIRST: events of different paths, /flood/FIRST and on, into the ring
 * buffer of a gate that has a binding; so many a second, in a batch each millisecond. Prints
 * `sent N lost N seconds S`. See flood.bpf.c.
 */
#include "../../bpf/contract.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct sent {
	struct hf_event head;
	char path[15];
	char pad[1];
	hf_u64 number, lost;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static int pinned(const char *pins, const char *name)
{
	char path[4096];
	int map;

	snprintf(path, sizeof(path), "%s/%s", pins, name);
	map = bpf_obj_get(path);
	if (map < 0) {
		perror(path);
		exit(1);
	}
	return map;
}

/* As of the first binding that there is. */
static struct sent template_of(const char *pins, hf_u64 first)
{
	struct sent sent = {
		.head = { .mode = HF_MODE_MONITOR,
			  .verdict = HF_VERDICT_REPORT,
			  .attach = HF_ATTACH_KILL,
			  .reason = HF_REASON_NOT_LISTED,
			  .path_len = sizeof(sent.path),
			  .pid = getpid() },
		.path = "00000000\0flood",
		.number = first,
	};
	struct hf_binding binding;
	int bindings = pinned(pins, "bindings");

	if (bpf_map_get_next_key(bindings, NULL, &sent.head.binding) ||
	    bpf_map_lookup_elem(bindings, &sent.head.binding, &binding)) {
		fprintf(stderr, "flood: nothing is bound\n");
		exit(1);
	}
	sent.head.binding_id = binding.id;
	return sent;
}

static void run(int program, int times)
{
	char packet[64] = "";
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = times);

	if (times && bpf_prog_test_run_opts(program, &options)) {
		perror("flood: run the program");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char object_path[4096];
	struct bpf_object *object;
	struct sent sent;
	__u32 zero = 0;
	double start, rate, seconds;
	unsigned long done = 0, due;
	int map, program;

	if (argc != 5)
		return 2;
	snprintf(object_path, sizeof(object_path), "%s.bpf.o", argv[0]);
	object = bpf_object__open_file(object_path, NULL);
	if (!object ||
	    bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "events"),
			      pinned(argv[1], "events")) ||
	    bpf_object__load(object)) {
		fprintf(stderr, "flood: %s cannot be loaded\n", object_path);
		return 1;
	}
	map = bpf_object__find_map_fd_by_name(object, "sent");
	program = bpf_program__fd(bpf_object__find_program_by_name(object, "flood"));
	sent = template_of(argv[1], atol(argv[4]));
	bpf_map_update_elem(map, &zero, &sent, BPF_ANY);
	rate = atof(argv[2]);
	seconds = atof(argv[3]);
	for (start = now(); now() - start < seconds; usleep(1000)) {
		due = rate * (now() - start);
		run(program, due - done);
		done = due;
	}
	bpf_map_lookup_elem(map, &zero, &sent);
	printf("sent %lu lost %lu seconds %.3f\n", done, (unsigned long)sent.lost, now() - start);
	return 0;
}
