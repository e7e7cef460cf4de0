/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_LISTEN_H
#define BINDGATE_LISTEN_H

#include "base/error.h"

#include <sys/socket.h>

/* Where the daemon listens: "127.0.0.1:9632", "[::1]:9632", "unix:/PATH". */
struct bg_listen {
	struct sockaddr_storage at;
	socklen_t length;
};

/* -EINVAL: the text is none of these; then *out is untouched. */
int bg_listen_parse(const char *text, struct bg_listen *out, struct bg_error *error);

#endif
