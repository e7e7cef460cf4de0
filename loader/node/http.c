// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/http.h"

#include "base/escape.h"
#include "config/listen.h"
#include "node/say.h"
#include "node/stats.h"
#include "base/clock.h"

#include <errno.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define PATIENCE_S 5
#define MEMORY_MAX 16384      /* bytes a connection, headers and all */
#define ANSWER_MAX (64 << 20) /* bytes of a status: some 500,000 gates */
#define KEEP_S 1.0            /* how long an answer is given again */

static const char plain[] = "text/plain; charset=utf-8";

struct answer {
	char *text;
	double made;
};

struct http {
	struct http_calls calls;
	struct MHD_Daemon *daemon;
	struct answer metrics, status;
	char *unix_path; /* to be removed */
};

static const char *fresh(struct answer *answer, char *(*make)(void *arg), void *arg)
{
	double now = bg_clock_seconds();

	if (!answer->text || now - answer->made > KEEP_S) {
		free(answer->text);
		answer->text = make(arg);
		answer->made = now;
	}
	return answer->text;
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int code, const char *type,
			     const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result reply_readiness(const struct http *http, struct MHD_Connection *connection)
{
	char *why = http->calls.unready(http->calls.arg);
	char text[1024];
	enum MHD_Result result;

	snprintf(text, sizeof(text), "%s%s\n", why ? "not ready: " : "ready", why ? bg_escape(why) : "");
	result = reply(connection, why ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, plain, text);
	free(why);
	return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **state)
{
	struct http *http = arg;
	const char *text;

	(void)version;
	(void)data;
	if (!*state) { /* the headers; the answer comes with the second call */
		*state = http;
		return MHD_YES;
	}
	if (*size) { /* a body, which nobody wants */
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "only GET and HEAD\n");
	if (!strcmp(url, "/healthz"))
		return reply(connection, MHD_HTTP_OK, plain, "ok\n");
	if (!strcmp(url, "/readyz"))
		return reply_readiness(http, connection);
	if (!strcmp(url, "/metrics")) {
		text = fresh(&http->metrics, http->calls.metrics, http->calls.arg);
		return reply(connection, text ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR,
			     "text/plain; version=0.0.4; charset=utf-8", text ? text : "");
	}
	if (!strcmp(url, "/status")) {
		text = fresh(&http->status, http->calls.status, http->calls.arg);
		return reply(connection, text ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR, "application/json",
			     text ? text : "");
	}
	return reply(connection, MHD_HTTP_NOT_FOUND, plain, "there is /metrics, /status, /healthz and /readyz\n");
}

static int open_socket(const char *listen_at, char **unix_path, struct bg_error *error)
{
	struct bg_listen where;
	int fd, yes = 1, err = bg_listen_parse(listen_at, &where, error);

	if (err)
		return err;
	fd = socket(where.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (where.at.ss_family == AF_UNIX) {
		const char *path = ((struct sockaddr_un *)&where.at)->sun_path;
		struct stat st;

		if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
			unlink(path); /* of a daemon that was killed */
		*unix_path = bg_need(strdup(path));
	} else if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	}
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&where.at, where.length) && !listen(fd, CONNECTIONS_MAX))
		return fd;
	err = bg_error(error, -errno, "cannot listen on %s: %s", listen_at, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int http_open(const char *listen_at, const struct http_calls *calls, struct http **out, struct bg_error *error)
{
	struct http *http = bg_need(calloc(1, sizeof(*http)));
	int fd, err;

	http->calls = *calls;
	fd = err = open_socket(listen_at, &http->unix_path, error);
	if (fd >= 0)
		http->daemon =
			MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, fd,
					 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					 MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE_S,
					 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
	*out = http->daemon ? http : NULL;
	if (http->daemon)
		return 0;
	if (fd >= 0) {
		err = bg_error(error, -EIO, "cannot serve HTTP on %s", listen_at);
		close(fd);
	}
	free(http->unix_path);
	free(http);
	return err;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	if (http->unix_path)
		unlink(http->unix_path);
	free(http->unix_path);
	free(http->metrics.text);
	free(http->status.text);
	free(http);
}

int http_fd(const struct http *http)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? info->epoll_fd : -1;
}

static unsigned int connections(const struct http *http)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

/* At its limit libmicrohttpd stops listening, and begins anew only in the run after the one in which connections went:
 * which nothing would wake us for. */
void http_run(struct http *http)
{
	unsigned int before;

	do {
		before = connections(http);
		MHD_run(http->daemon);
	} while (connections(http) != before);
	MHD_run(http->daemon);
}

int http_patience_ms(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(http->daemon, &ms) == MHD_YES ? (int)(ms < 60000 ? ms : 60000) : -1;
}

static int ask(const char *listen_at, struct bg_error *error)
{
	static const char request[] = "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n";
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct bg_listen where;
	int fd, err = bg_listen_parse(listen_at, &where, error);

	if (err)
		return err;
	fd = socket(where.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&where.at, where.length) &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
		return fd;
	err = bg_error(error, -errno, "no bindgated answers on %s: %s", listen_at, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int http_ask_status(const char *listen_at, char **answer, struct bg_error *error)
{
	int err, fd = ask(listen_at, error);
	char *text, *body;
	size_t size = 0;
	ssize_t got;

	*answer = NULL;
	if (fd < 0)
		return fd;
	text = bg_need(malloc(ANSWER_MAX + 1)); /* takes no more memory than is written to */
	while ((got = recv(fd, text + size, ANSWER_MAX - size, 0)) > 0)
		size += (size_t)got;
	close(fd);
	text[size] = '\0';
	body = strstr(text, "\r\n\r\n");
	if (got == 0 && size < ANSWER_MAX && body) {
		*answer = memmove(text, body + 4, strlen(body + 4) + 1);
		return 0;
	}
	if (got < 0)
		err = bg_error(error, -errno, "no bindgated answers on %s: %s", listen_at, strerror(errno));
	else
		err = bg_error(error, -EPROTO, "what answers on %s is no bindgated", listen_at);
	free(text);
	return err;
}
