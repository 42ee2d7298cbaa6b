// SPDX-License-Identifier: Apache-2.0
//
// verifier OBJECT: loads every program of a BPF object, one after another, and
// prints how many instructions the kernel's verifier followed for each and how long
// it took; attaches and pins nothing. Exit code 1 if one does not load.
//
// The verifier's log is asked for its statistics only: the whole log of a program
// near the limit takes minutes under software emulation.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOG_STATISTICS 4 /* BPF_LOG_STATS of the kernel */

static char log_text[1 << 16];

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One program a time: the others of the object are left out of the load. */
static int load(const char *object_path, const char *name)
{
	struct bpf_object *object = bpf_object__open_file(object_path, NULL);
	struct bpf_program *program;
	char *line, *rest;
	double start;
	int error;

	bpf_object__for_each_program(program, object) {
		bool wanted = !strcmp(bpf_program__name(program), name);
		bpf_program__set_autoload(program, wanted);
		if (!wanted)
			continue;
		bpf_program__set_log_buf(program, log_text, sizeof(log_text));
		bpf_program__set_log_level(program, LOG_STATISTICS);
	}
	log_text[0] = 0;
	start = now();
	error = bpf_object__load(object);
	printf("program %s: %s in %.1f s\n", name, error ? strerror(-error) : "loaded",
	       now() - start);
	for (line = strtok_r(log_text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (error || !strncmp(line, "processed", 9))
			printf("%s\n", line);
	bpf_object__close(object);
	return error;
}

int main(int count, char **arguments)
{
	struct bpf_object *object;
	struct bpf_program *program;
	int failed = 0;

	if (count != 2) {
		fprintf(stderr, "usage: verifier OBJECT\n");
		return 2;
	}
	object = bpf_object__open_file(arguments[1], NULL);
	if (!object) {
		fprintf(stderr, "verifier: %s cannot be opened\n", arguments[1]);
		return 1;
	}
	bpf_object__for_each_program(program, object)
		if (load(arguments[1], bpf_program__name(program)))
			failed = 1;
	bpf_object__close(object);
	return failed;
}
