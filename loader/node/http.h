/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_HTTP_H
#define BINDGATED_HTTP_H

#include "base/error.h"

/* /metrics, /status, /healthz and /readyz, over TCP or a unix socket. Few connections, one request each, 5 s for the whole of
 * it; the oldest goes where all are taken: whoever is slow or many holds up nobody but themselves. On loopback a Host that is
 * a name is refused, but for localhost: a web page whose name leads here must not read what is said here. */
struct http;

struct http_calls {
	void (*metrics)(void *arg); /* begins to make them: http_give_metrics is to follow; at most once a second */
	char *(*status)(void *arg); /* to be freed; asked for at most once a second */
	char *(*unready)(void *arg); /* why it is not ready, to be freed; NULL: it is */
	void *arg;
};

/* `listen`: 127.0.0.1:9632, [::1]:9632 or unix:PATH. *out is NULL where it fails. */
int http_open(const char *listen, const struct http_calls *calls, struct http **out, struct bg_error *error);
void http_close(struct http *http);
int http_fd(const struct http *http); /* readable: call http_run */
void http_run(struct http *http);
int http_patience_ms(struct http *http); /* call http_run by then also when nothing is readable; -1: no need */

/* The metrics that were asked for; the text is http's own from here on. Call http_run soon. */
void http_give_metrics(struct http *http, char *text);

/* Asks a daemon for /status. *answer is to be freed. */
int http_ask_status(const char *listen, char **answer, struct bg_error *error);

#endif
