// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/http.h"

#include "base/escape.h"
#include "config/listen.h"
#include "node/say.h"
#include "node/stats.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define CONNECTIONS_SPARE 16 /* that come before the oldest ones have gone */
#define PATIENCE_S 5
#define MEMORY_MAX 16384      /* bytes a connection, headers and all */
#define ANSWER_MAX (64 << 20) /* bytes of a status: some 500,000 gates */
#define KEEP_S 1.0            /* how long an answer is given again */

static const char plain[] = "text/plain; charset=utf-8";

struct answer {
	char *text;
	double made;
};

/* Of one request. */
struct connection {
	struct MHD_Connection *mhd; /* NULL: free */
	int fd;
	double began;
	bool waits; /* for the metrics */
	bool cut;
};

struct http {
	struct http_calls calls;
	struct MHD_Daemon *daemon;
	struct answer metrics, status;
	bool metrics_asked;
	struct connection connections[CONNECTIONS_MAX + CONNECTIONS_SPARE];
	bool loopback;
	char *unix_path; /* to be removed */
};

static struct connection *end(struct http *http)
{
	return http->connections + CONNECTIONS_MAX + CONNECTIONS_SPARE;
}

/* MHD closes it when it sees that. */
static void cut(struct connection *connection)
{
	if (!connection->cut)
		shutdown(connection->fd, SHUT_RDWR);
	connection->cut = true;
}

static struct connection *oldest(struct http *http, unsigned int *count)
{
	struct connection *found = NULL;

	*count = 0;
	for (struct connection *each = http->connections; each < end(http); each++) {
		if (!each->mhd || each->cut)
			continue;
		++*count;
		if (!found || each->began < found->began)
			found = each;
	}
	return found;
}

static void note_connection(void *arg, struct MHD_Connection *mhd, void **slot,
			    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http *http = arg;
	struct connection *old;
	unsigned int count;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*slot)
			((struct connection *)*slot)->mhd = NULL;
		return;
	}
	for (struct connection *each = http->connections; each < end(http); each++) {
		if (each->mhd || !info)
			continue;
		*each = (struct connection){ .mhd = mhd, .fd = info->connect_fd, .began = bg_clock_seconds() };
		*slot = each;
		break;
	}
	old = oldest(http, &count);
	if (count > CONNECTIONS_MAX)
		cut(old);
}

static void resume_waiting(struct http *http)
{
	for (struct connection *each = http->connections; each < end(http); each++) {
		if (each->mhd && each->waits)
			MHD_resume_connection(each->mhd);
		each->waits = false;
	}
}

/* The request is dealt with again when the metrics are there. */
static enum MHD_Result wait_for_metrics(struct http *http, struct MHD_Connection *mhd)
{
	if (!http->metrics_asked)
		http->calls.metrics(http->calls.arg);
	http->metrics_asked = true;
	for (struct connection *each = http->connections; each < end(http); each++) {
		if (each->mhd != mhd)
			continue;
		each->waits = true;
		MHD_suspend_connection(mhd);
		return MHD_YES;
	}
	return MHD_NO;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is kept, and freed */
void http_give_metrics(struct http *http, char *text)
{
	free(http->metrics.text);
	http->metrics = (struct answer){ .text = text, .made = bg_clock_seconds() };
	http->metrics_asked = false;
	resume_waiting(http);
}

static bool is_address(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;
	char text[64];
	size_t length = strcspn(host, *host == '[' ? "]" : ":");

	if (length >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)length, host);
	return *text == '[' ? host[length] && inet_pton(AF_INET6, text + 1, &v6) == 1
			    : !strcasecmp(text, "localhost") || inet_pton(AF_INET, text, &v4) == 1;
}

static bool is_loopback(const struct bg_listen *at)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&at->at;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at->at;

	return at->at.ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
					   : at->at.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool is_fresh(const struct answer *answer)
{
	return answer->text && bg_clock_seconds() - answer->made <= KEEP_S;
}

static const char *fresh(struct answer *answer, char *(*make)(void *arg), void *arg)
{
	if (!is_fresh(answer)) {
		free(answer->text);
		answer->text = make(arg);
		answer->made = bg_clock_seconds();
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
	MHD_add_response_header(response, "Connection", "close");
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
	const char *text, *host;

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
	host = http->loopback ? MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host") : NULL;
	if (host && !is_address(host))
		return reply(connection, MHD_HTTP_FORBIDDEN, plain, "ask by address, or as localhost\n");
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "only GET and HEAD\n");
	if (!strcmp(url, "/healthz"))
		return reply(connection, MHD_HTTP_OK, plain, "ok\n");
	if (!strcmp(url, "/readyz"))
		return reply_readiness(http, connection);
	if (!strcmp(url, "/metrics")) {
		if (!is_fresh(&http->metrics))
			return wait_for_metrics(http, connection);
		return reply(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
			     http->metrics.text);
	}
	if (!strcmp(url, "/status")) {
		text = fresh(&http->status, http->calls.status, http->calls.arg);
		return reply(connection, text ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR, "application/json",
			     text ? text : "");
	}
	return reply(connection, MHD_HTTP_NOT_FOUND, plain, "there is /metrics, /status, /healthz and /readyz\n");
}

static int open_socket(const char *listen_at, bool *loopback, char **unix_path, struct bg_error *error)
{
	struct bg_listen where;
	int fd, yes = 1, err = bg_listen_parse(listen_at, &where, error);

	if (err)
		return err;
	*loopback = is_loopback(&where);
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
	fd = err = open_socket(listen_at, &http->loopback, &http->unix_path, error);
	if (fd >= 0)
		http->daemon =
			MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, http,
					 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					 CONNECTIONS_MAX + CONNECTIONS_SPARE, MHD_OPTION_NOTIFY_CONNECTION,
					 note_connection, http, MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE_S,
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
	resume_waiting(http); /* which libmicrohttpd insists on */
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
	unsigned int before, count;
	struct connection *old;

	while ((old = oldest(http, &count)) && bg_clock_seconds() - old->began >= PATIENCE_S)
		cut(old);
	do {
		before = connections(http);
		MHD_run(http->daemon);
	} while (connections(http) != before);
	MHD_run(http->daemon);
}

int http_patience_ms(struct http *http)
{
	unsigned int count;
	const struct connection *old = oldest(http, &count);
	double left = old ? old->began + PATIENCE_S - bg_clock_seconds() : PATIENCE_S;
	MHD_UNSIGNED_LONG_LONG ms;
	int most = left > 0 ? (int)(left * 1000) + 1 : 0;

	if (MHD_get_timeout(http->daemon, &ms) != MHD_YES)
		return old ? most : -1;
	return ms < (unsigned int)most ? (int)ms : most;
}

static void set_patience(int fd, double seconds)
{
	const struct timeval patience = { .tv_sec = (time_t)seconds,
					  .tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) + 1 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static int ask(const char *listen_at, struct bg_error *error)
{
	static const char request[] = "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n";
	struct bg_listen where;
	int fd, err = bg_listen_parse(listen_at, &where, error);

	if (err)
		return err;
	fd = socket(where.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		set_patience(fd, PATIENCE_S);
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
	double end = bg_clock_seconds() + PATIENCE_S;
	int err, fd = ask(listen_at, error);
	char *text, *body;
	size_t size = 0;
	ssize_t got;

	*answer = NULL;
	if (fd < 0)
		return fd;
	text = bg_need(malloc(ANSWER_MAX + 1)); /* takes no more memory than is written to */
	do {
		set_patience(fd, end - bg_clock_seconds());
		got = recv(fd, text + size, ANSWER_MAX - size, 0);
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0 && bg_clock_seconds() < end);
	err = got < 0 ? -errno : got > 0 ? -EAGAIN : 0;
	close(fd);
	text[size] = '\0';
	body = strstr(text, "\r\n\r\n");
	if (!err && size < ANSWER_MAX && body) {
		*answer = memmove(text, body + 4, strlen(body + 4) + 1);
		return 0;
	}
	if (err)
		bg_error(error, err, "no bindgated answers on %s: %s", listen_at,
			 err == -EAGAIN ? "not within 5 s" : strerror(-err));
	else
		err = bg_error(error, -EPROTO, "what answers on %s is no bindgated", listen_at);
	free(text);
	return err;
}
