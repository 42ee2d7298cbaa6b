/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server SOCKET - a mapd that answers "bound" to whatever it is asked, as fast as
 * it can: what remains is the hook's own time. To that end it asks to run before
 * all else on the machine; without the right to, it says so. Prints a line once it
 * listens.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const unsigned char bound[] = {
	'H', 'F', 'H', 'K', 1, 0, 2, 0, 9, 0, 0, 0, /* version 1, answer, 9 bytes */
	1,   0,   1,   0,   1,                      /* outcome bound */
	2,   0,   0,   0,                           /* no reason */
};

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char request[8192];
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 128)) {
		perror(argv[1]);
		return 1;
	}
	if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 }))
		fputs("server: no real-time priority, other work on this machine counts as the "
		      "hook's\n",
		      stderr);
	puts("listening");
	fflush(stdout);
	for (;;) {
		int connection = accept(listener, NULL, NULL);

		if (connection < 0)
			continue;
		/* The hook sends its request at once and whole. */
		if (read(connection, request, sizeof(request)) > 0)
			(void)!write(connection, bound, sizeof(bound));
		close(connection);
	}
}
