/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait: a container that does nothing until it is killed.
 * wait FILE STATE: a hook that writes the state it is given to STATE and returns when FILE
 * exists: its container is made, and its workload has not begun.
 */
#include <stdio.h>
#include <unistd.h>

static int keep_state(const char *path)
{
	char state[65536];
	size_t bytes = fread(state, 1, sizeof(state), stdin);
	FILE *file = fopen(path, "w");

	if (!file || fwrite(state, 1, bytes, file) != bytes || fclose(file)) {
		perror(path);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char whole[4096];

	if (argc < 3)
		for (;;)
			pause();
	snprintf(whole, sizeof(whole), "%s.new", argv[2]);
	if (keep_state(whole) || rename(whole, argv[2]))
		return 1;
	while (access(argv[1], F_OK))
		usleep(20000);
	return 0;
}
