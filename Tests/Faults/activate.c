// SPDX-License-Identifier: Apache-2.0
/*
 * activate SOCKET HOLD PROGRAM [ARGUMENT...]: what systemd does for mapd.socket. Holds the
 * hooks' socket open for as long as it lives, and starts PROGRAM with it, again each time it
 * has ended, but not while the file HOLD exists. SOCKET.pid has PROGRAM's number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 3 }; /* SD_LISTEN_FDS_START */

static void start(char **arguments)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "hook", 1);
	execv(arguments[0], arguments);
	perror(arguments[0]);
	_exit(127);
}

int main(int count, char **arguments)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[4096];
	FILE *file;
	pid_t child;
	int listener;

	if (count < 4 || strlen(arguments[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, arguments[1]);
	unlink(arguments[1]);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1024)) {
		perror(arguments[1]);
		return 1;
	}
	if (listener != FIRST && (dup2(listener, FIRST) < 0 || close(listener)))
		return 1;
	snprintf(path, sizeof(path), "%s.pid", arguments[1]);
	for (;;) {
		while (access(arguments[2], F_OK) == 0)
			usleep(10000);
		child = fork();
		if (child == 0)
			start(arguments + 3);
		file = fopen(path, "w");
		if (!file)
			return 1;
		fprintf(file, "%d\n", child);
		fclose(file);
		waitpid(child, NULL, 0);
	}
}
