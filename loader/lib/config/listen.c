// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static bool parse_unix(const char *path, struct bg_listen *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->at;

	if (*path != '/' || strlen(path) >= sizeof(un->sun_path))
		return false;
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	out->length = sizeof(*un);
	return true;
}

static bool parse_address(char *host, in_port_t port, struct bg_listen *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->at;
	size_t length = strlen(host);

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		out->length = sizeof(*v4);
		return true;
	}
	if (length < 2 || *host != '[' || host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	out->length = sizeof(*v6);
	return true;
}

static bool parse_inet(const char *text, struct bg_listen *out)
{
	const char *colon = strrchr(text, ':');
	unsigned long port;
	char host[64];

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	if (!colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5)
		return false;
	port = strtoul(colon + 1, NULL, 10);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	return port > 0 && port <= 65535 && parse_address(host, (in_port_t)port, out);
}

int bg_listen_parse(const char *text, struct bg_listen *out, struct bg_error *error)
{
	struct bg_listen listen = { .length = 0 };

	if (strncmp(text, "unix:", 5) ? !parse_inet(text, &listen) : !parse_unix(text + 5, &listen))
		return bg_error(error, -EINVAL,
				"daemon.listen is none, 127.0.0.1:PORT, [::1]:PORT or unix:/PATH, not \"%.64s\"",
				text);
	*out = listen;
	return 0;
}
