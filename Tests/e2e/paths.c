// SPDX-License-Identifier: Apache-2.0
//
// paths NUMBER SEED: executes itself, by a hard link, under NUMBER random paths below
// the current directory: 1 to 10 components of 1 to 255 bytes, any bytes that a name
// can have. Prints how many ran. Started as "ran" it ends at once.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;

static uint64_t random_below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static char *append_name(char *end)
{
	size_t length = random_below(4) ? 1 + random_below(24) : 1 + random_below(255);

	for (size_t i = 0; i < length; i++) {
		unsigned char byte;

		do
			byte = 1 + random_below(255);
		while (byte == '/');
		end[i] = (char)byte;
	}
	end[length] = 0;
	if (!strcmp(end, ".") || !strcmp(end, ".."))
		end[0] = 'n';
	return end + length;
}

static int run(const char *path)
{
	char *argv[] = { "ran", NULL };
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execv(path, argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return status;
}

int main(int argc, char **argv)
{
	char path[4096], *ends[16];
	unsigned long number, ran = 0;

	if (argc != 3)
		return argc == 1 && !strcmp(argv[0], "ran") ? 0 : 2;
	number = strtoul(argv[1], NULL, 10);
	state = strtoull(argv[2], NULL, 10) | 1;
	for (unsigned long n = 0; n < number; n++) {
		size_t components = 1 + random_below(10);
		char *end = path;

		for (size_t i = 0; i < components; i++) {
			ends[i] = end = append_name(end);
			if (i + 1 == components)
				break;
			if (mkdir(path, 0755) && errno != EEXIST)
				return perror("mkdir"), 1;
			*end++ = '/';
		}
		if (link("/paths", path) && errno != EEXIST)
			return perror("link"), 1;
		if (run(path) == 0)
			ran++;
		unlink(path);
		while (components-- > 1) {
			*ends[components - 1] = 0;
			rmdir(path);
		}
	}
	printf("ran %lu\n", ran);
	return ran != number;
}
