/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook SOCKET: what oci-hook does, in C with shared libraries, without its care: no time limit,
 * no fail policy, no check of what it reads. The yajl parser is the same. For comparison.
 */
#include "request.h"
#include <stdio.h>
#include <yajl/yajl_tree.h>

static const char *text(yajl_val state, const char *name)
{
	const char *path[] = { name, NULL };

	return YAJL_GET_STRING(yajl_tree_get(state, path, yajl_t_string));
}

int main(int argc, char **argv)
{
	const char *pid_path[] = { "pid", NULL }, *id, *bundle;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char input[65536], problem[256];
	unsigned char frame[8192];
	size_t bytes = fread(input, 1, sizeof(input) - 1, stdin);
	yajl_val state, pid;

	input[bytes] = 0;
	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	state = yajl_tree_parse(input, problem, sizeof(problem));
	id = text(state, "id");
	bundle = text(state, "bundle");
	pid = yajl_tree_get(state, pid_path, yajl_t_number);
	if (!id || !bundle || !pid || strlen(id) + strlen(bundle) > 8000)
		return 1;
	strcpy(address.sun_path, argv[1]);
	bytes = encode(frame, id, bundle, YAJL_GET_INTEGER(pid), CREATE_RUNTIME, CREATING);
	return ask(&address, frame, bytes) == BOUND ? 0 : 1;
}
