// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A runtime that waits: bindgated is its plugin by NRI, the node resource interface of containerd and CRI-O. */
#include "node/source/nri_session.h"

#include "base/clock.h"
#include "base/need.h"
#include "base/retry.h"
#include "node/say.h"
#include "node/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BEGIN_SECONDS 10.0 /* till it has asked for the configuration and told of its pods */
#define RETRY_FIRST 0.01   /* seconds: until then pods start without waiting */
#define RETRY_MOST 2.0
#define TURN_MAX (8 << 20) /* bytes taken at once: others wait too */

struct nri {
	struct source_calls calls;
	char *socket;
	int fd; /* -1: not connected */
	struct nri_session session;
	double begin_due; /* by then it has synchronized, or never will; 0: it has */
	double retry_due; /* 0: connected */
	struct bg_retry retry;
	char problem[300]; /* "": there is none */
	bool told;         /* of the problem */
};

static void *nri_open(const char *socket, const struct source_calls *calls)
{
	struct nri *nri = bg_need(calloc(1, sizeof(*nri)));

	nri->calls = *calls;
	nri->socket = bg_need(strdup(socket));
	nri->fd = -1;
	nri->retry = (struct bg_retry){ .first = RETRY_FIRST, .most = RETRY_MOST };
	nri->retry_due = bg_clock_seconds();
	snprintf(nri->problem, sizeof(nri->problem), "not connected yet");
	return nri;
}

static void disconnect(struct nri *nri)
{
	if (nri->fd < 0)
		return;
	close(nri->fd);
	nri->fd = -1;
	nri_session_end(&nri->session);
}

static void nri_close(void *state)
{
	struct nri *nri = state;

	disconnect(nri);
	free(nri->socket);
	free(nri);
}

/* Said once, until it works again. */
static void failed(struct nri *nri, const char *what)
{
	disconnect(nri);
	nri->begin_due = 0;
	nri->retry_due = bg_clock_seconds() + bg_retry_failed(&nri->retry);
	snprintf(nri->problem, sizeof(nri->problem), "%s", what);
	if (nri->told)
		return;
	nri->told = true;
	stats.errors[ERROR_NRI]++;
	say(LOG_WARNING, "the runtime's NRI at %s: %s; till it is back pods start without waiting for their gates",
	    nri->socket, what);
}

static void connect_now(struct nri *nri)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	nri->retry_due = 0;
	if (strlen(nri->socket) >= sizeof(at.sun_path)) {
		failed(nri, "the path is too long for a socket");
		return;
	}
	strcpy(at.sun_path, nri->socket);
	nri->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (nri->fd < 0 || connect(nri->fd, (struct sockaddr *)&at, sizeof(at))) {
		int err = errno;

		if (nri->fd >= 0)
			close(nri->fd);
		nri->fd = -1;
		failed(nri, strerror(err));
		return;
	}
	nri_session_begin(&nri->session, &nri->calls);
	nri->begin_due = bg_clock_seconds() + BEGIN_SECONDS;
}

/* Negative: the connection is of no more use. */
static int flush(struct nri *nri)
{
	struct nri_bytes *out = &nri->session.wire.out;

	while (out->size) {
		ssize_t sent = send(nri->fd, out->at, out->size, MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		nri_wire_sent(&nri->session.wire, (size_t)sent);
	}
	return 0;
}

/* An answer goes out before the next request is read: the runtime waits for it. */
static int converse(struct nri *nri, struct bg_error *error)
{
	unsigned char bytes[65536];
	int err = flush(nri);

	for (size_t taken = 0; !err && taken < TURN_MAX;) {
		ssize_t got = recv(nri->fd, bytes, sizeof(bytes), 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (got <= 0)
			return bg_error(error, -ECONNRESET, "it closed the connection");
		err = nri_session_feed(&nri->session, bytes, (size_t)got, error);
		if (err)
			return err;
		err = flush(nri);
		nri_session_rest(&nri->session);
		taken += (size_t)got;
	}
	return err ? bg_error(error, err, "%s", strerror(-err)) : 0;
}

static void nri_run(void *state)
{
	struct nri *nri = state;
	double now = bg_clock_seconds();
	struct bg_error error;

	if (nri->fd < 0 && nri->retry_due <= now)
		connect_now(nri);
	if (nri->fd < 0)
		return;
	if (converse(nri, &error)) {
		failed(nri, error.text);
		return;
	}
	if (!nri->session.synchronized && nri->begin_due <= now) {
		failed(nri, "it does not answer");
		return;
	}
	if (!nri->session.synchronized || !nri->begin_due)
		return;
	nri->begin_due = 0;
	nri->problem[0] = '\0';
	nri->told = false;
	bg_retry_reset(&nri->retry);
	say(LOG_INFO, "%s waits for the gates of pods (NRI at %s)", nri->session.runtime, nri->socket);
}

static unsigned int nri_polls(void *state, struct pollfd *polls, unsigned int room)
{
	struct nri *nri = state;

	if (nri->fd < 0 || !room)
		return 0;
	*polls = (struct pollfd){ .fd = nri->fd,
				  .events = (short)(POLLIN | (nri->session.wire.out.size ? POLLOUT : 0)) };
	return 1;
}

static int nri_timeout_ms(void *state)
{
	struct nri *nri = state;

	return bg_clock_ms_until(nri->fd < 0 ? nri->retry_due : nri->begin_due);
}

/* Whoever is connected is told of everything. */
static void nri_ask(void *state, double seconds)
{
	(void)state;
	(void)seconds;
}

static const char *nri_problem(void *state)
{
	const struct nri *nri = state;

	return *nri->problem ? nri->problem : NULL;
}

const struct source source_nri = {
	.name = "nri",
	.engine = "the runtime's NRI",
	.open = nri_open,
	.polls = nri_polls,
	.timeout_ms = nri_timeout_ms,
	.run = nri_run,
	.ask = nri_ask,
	.close = nri_close,
	.problem = nri_problem,
};
