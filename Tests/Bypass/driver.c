// SPDX-License-Identifier: Apache-2.0
//
//   driver run [TECHNIQUE...]     in the container: run them (all of those named
//                                 in /proc/self/fd/0 with `-`), a line each:
//                                 technique <TAB> result <TAB> detail
//   driver wait                   the container's init that does nothing
//   driver image DIRECTORY        on the host: make DIRECTORY/rootfs and /volume,
//                                 print the paths that the policy must list
//   driver clean DIRECTORY        remove those paths that are too long for rm
//   driver list                   all techniques
//   driver handle FILE            on the host: FILE's handle, for open_by_handle_at
// and for techniques that execute the driver itself: `re-exec`, `payload`.
#include <sys/mman.h>
#include <sys/prctl.h>

#include "bypass.h"

extern const struct technique *const __start_techniques[], *const __stop_techniques[];
void make_image(const char *directory, const char *programs);
void clean_image(const char *directory);
int print_handle(const char *path);
int re_exec(const char *how, const char *name);

const char *technique_name;
char *detail;

enum { SECONDS_A_TECHNIQUE = 90, DETAIL_BYTES = 4096 };

static const struct technique *find(const char *name)
{
	for (const struct technique *const *t = __start_techniques; t < __stop_techniques; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

static int open_witness(const char *name)
{
	const char *folder = getenv("WITNESS_DIRECTORY");
	int fd = open(text("%s/%s.witness", folder ? folder : "/out", name),
		      O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0666);

	need(dup2(need(fd, "witness file"), WITNESS_FD), "dup2");
	return close(fd);
}

// One line per technique. The witness file has the last word.
static void tell(const char *name, int status)
{
	int result = WIFEXITED(status) ? WEXITSTATUS(status) : TROUBLE;
	int seen = witnessed();
	const char *word = "trouble";

	if (WIFSIGNALED(status))
		// technique itself killed: an exec in its own process, at kill
		result = WTERMSIG(status) == SIGKILL ? REFUSED : TROUBLE;
	if (seen == RAN)
		word = "ran";
	else if (result == RAN || (result == ALLOWED && seen != ALLOWED))
		snprintf(detail, 256, "exit code %d, but no witness", result);
	else if (result == REFUSED)
		word = "refused";
	else if (result == ALLOWED)
		word = "allowed";
	else if (result == SKIPPED)
		word = "skip";
	else if (!detail[0])
		snprintf(detail, 256, "status 0x%x", status);
	printf("%s\t%s\t%s\n", name, word, detail);
	fflush(stdout);
}

static void run_one(const struct technique *technique)
{
	pid_t child, reaped;
	int status;

	technique_name = technique->name;
	detail[0] = 0;
	open_witness(technique->name);
	child = need(fork(), "fork");
	if (child == 0) {
		setpgid(0, 0);
		prctl(PR_SET_NAME, technique->name);
		alarm(SECONDS_A_TECHNIQUE);
		_exit(technique->run());
	}
	// as init we also reap what the techniques leave behind
	do
		reaped = waitpid(-1, &status, 0);
	while (reaped != child && (reaped > 0 || errno == EINTR));
	kill(-child, SIGKILL);
	tell(technique->name, status);
}

static int run(int count, char **names)
{
	char line[256];

	detail = mmap(NULL, DETAIL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < count; i++)
		if (find(names[i]))
			run_one(find(names[i]));
		else if (strcmp(names[i], "-"))
			printf("%s\ttrouble\tno such technique\n", names[i]);
		else
			while (fgets(line, sizeof(line), stdin)) {
				line[strcspn(line, "\n")] = 0;
				if (find(line))
					run_one(find(line));
				else
					printf("%s\ttrouble\tno such technique\n", line);
			}
	return 0;
}

static void image(const char *directory, const char *self)
{
	char programs[4096];
	char *slash;

	snprintf(programs, sizeof(programs), "%s", self);
	slash = strrchr(programs, '/');
	if (slash)
		*slash = 0;
	make_image(directory, slash ? programs : ".");
	for (const struct technique *const *t = __start_techniques; t < __stop_techniques; t++) {
		technique_name = (*t)->name;
		image_program(text("foreign/%s", technique_name), true);
		image_program(text("foreign-root/allowed/%s", technique_name), true);
		image_program(text("allowed/%s", technique_name), false);
		image_list(GENUINE);
		if ((*t)->image)
			(*t)->image();
	}
}

static void wait_forever(void)
{
	signal(SIGTERM, SIG_DFL);
	for (;;)
		if (waitpid(-1, NULL, 0) < 0)
			sleep(1);
}

int main(int count, char **arguments)
{
	const char *verb = count > 1 ? arguments[1] : "list";
	static char spare[DETAIL_BYTES];

	detail = spare;
	if (!strcmp(verb, "run"))
		return run(count - 2, arguments + 2);
	if (!strcmp(verb, "wait"))
		wait_forever();
	if (!strcmp(verb, "payload")) {
		write(WITNESS_FD, "foreign\n", 8);
		return RAN;
	}
	if (!strcmp(verb, "genuine")) {
		write(WITNESS_FD, "genuine\n", 8);
		return ALLOWED;
	}
	if (!strcmp(verb, "re-exec") && count > 3)
		return re_exec(arguments[2], arguments[3]);
	if (!strcmp(verb, "image") && count > 2)
		image(arguments[2], realpath("/proc/self/exe", NULL));
	else if (!strcmp(verb, "clean") && count > 2)
		clean_image(arguments[2]);
	else if (!strcmp(verb, "handle") && count > 2)
		return print_handle(arguments[2]);
	else
		for (const struct technique *const *t = __start_techniques; t < __stop_techniques;
		     t++)
			puts((*t)->name);
	return 0;
}
