// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What runs in the tests' containers, static. "pause" waits; "serve PORT" says hello on 127.0.0.1. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char hello[] = "HTTP/1.0 200 OK\r\n\r\nhello from a pod\n";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, client, yes = 1;
	char request[512];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		for (;;)
			pause();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 16)) {
		printf("uid %d, port %s: %s\n", (int)getuid(), argv[1], strerror(errno));
		return 1;
	}
	printf("uid %d, port %s: listening\n", (int)getuid(), argv[1]);
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		if (read(client, request, sizeof(request)) >= 0 && write(client, hello, sizeof(hello) - 1) < 0)
			perror("write");
		close(client);
	}
	return 0;
}
