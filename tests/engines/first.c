// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What runs first in a pod: binds a port that is granted and one that is not, before it does anything else. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_bind(int fd, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)atoi(port)) };

	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

int main(int argc, char **argv)
{
	int granted, denied;

	if (argc < 3)
		return 2;
	granted = try_bind(socket(AF_INET, SOCK_STREAM, 0), argv[1]);
	denied = try_bind(socket(AF_INET, SOCK_STREAM, 0), argv[2]);
	printf("%s %s\n", granted ? "early" : "granted", denied ? "refused" : "early");
	return 0;
}
