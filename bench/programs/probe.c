/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe PROGRAM...: attaches and detaches programs of tracepoint sched_process_exec at
 * will, and reads the kernel's own statistics of them. PROGRAM is `empty` (returns at once;
 * what the statistics and the call cost), or the number of a loaded program.
 *
 *   on N | off N   attach or detach the N-th (0, ...)
 *   timed | plain  the kernel keeps run times, or does not (keeping them takes time itself)
 *   stats          answers `runs nanoseconds` of each, on one line
 *
 * Each other command is answered with `ok`. Ends at end of file; nothing stays attached.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRAMS_MAX = 64 };

static struct {
	int program, link;
} probes[PROGRAMS_MAX];
static int count, timing = -1;

static void die(const char *what, const char *which)
{
	fprintf(stderr, "probe: %s %s: %s\n", what, which, strerror(errno));
	exit(1);
}

static int load_empty(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "empty", "GPL", code, 2, NULL);
}

static void open_probe(const char *name)
{
	int program = strcmp(name, "empty") ? bpf_prog_get_fd_by_id(atoi(name)) : load_empty();

	if (program < 0)
		die("open program", name);
	probes[count].program = program;
	probes[count++].link = -1;
}

static void attach(int which)
{
	if (probes[which].link >= 0)
		return;
	probes[which].link = bpf_raw_tracepoint_open("sched_process_exec", probes[which].program);
	if (probes[which].link < 0)
		die("attach a program to", "sched_process_exec");
}

static void detach(int which)
{
	if (probes[which].link >= 0)
		close(probes[which].link);
	probes[which].link = -1;
}

static void keep_times(int wanted)
{
	if (timing >= 0)
		close(timing);
	timing = wanted ? bpf_enable_stats(BPF_STATS_RUN_TIME) : -1;
	if (wanted && timing < 0)
		die("enable", "BPF_STATS_RUN_TIME");
}

static void print_stats(void)
{
	for (int which = 0; which < count; which++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(probes[which].program, &info, &size))
			die("read the statistics of", "a program");
		printf("%llu %llu%c", (unsigned long long)info.run_cnt,
		       (unsigned long long)info.run_time_ns, which + 1 < count ? ' ' : '\n');
	}
}

int main(int argc, char **argv)
{
	char word[16];
	int which = 0;

	for (int argument = 1; argument < argc && count < PROGRAMS_MAX; argument++)
		open_probe(argv[argument]);
	while (scanf("%15s", word) == 1) {
		int takes_number = !strcmp(word, "on") || !strcmp(word, "off");

		if (takes_number && (scanf("%d", &which) != 1 || which < 0 || which >= count))
			return 2;
		if (!strcmp(word, "on"))
			attach(which);
		else if (!strcmp(word, "off"))
			detach(which);
		else if (!strcmp(word, "timed") || !strcmp(word, "plain"))
			keep_times(!strcmp(word, "timed"));
		else if (strcmp(word, "stats"))
			return 2;
		if (!strcmp(word, "stats"))
			print_stats();
		else
			puts("ok");
		fflush(stdout);
	}
	return 0;
}
