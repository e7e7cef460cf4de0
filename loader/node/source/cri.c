// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The container runtime, by its own socket: gRPC over HTTP/2, with libcurl. Its stream of events is left alone: cgroups tell
 * enough, and containerd 1.7 gives each event to one subscriber only, so that others, the kubelet among them, miss it. */
#include "node/source/source.h"

#include "base/clock.h"
#include "base/need.h"
#include "base/retry.h"
#include "node/say.h"
#include "node/source/cri_list.h"
#include "node/source/curl_multi.h"
#include "node/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX (32 << 20) /* bytes: some 30,000 pods */
#define UNIMPLEMENTED 12      /* grpc-status */
#define CALL_SECONDS 10L
#define IDLE_S 30.0 /* seconds: asked so often also when nothing happens, to see that it answers */
#define PATIENCE_MS 5
#define RETRY_FIRST 0.1 /* seconds */
#define RETRY_MOST 30.0

static const char *const services[] = { "runtime.v1", "runtime.v1alpha2" };

struct call {
	CURL *easy;
	char url[96];
	char *body;
	size_t size, room;
	long status; /* grpc-status; -1: not said */
	char message[256];
	bool active;
};

struct cri {
	struct source_calls calls;
	CURLM *multi;
	struct curl_slist *headers;
	char *socket;
	unsigned int service; /* of services */
	struct call list;
	double ask_due; /* 0: no need */
	struct bg_retry retry;
	char problem[300]; /* which it was told of; "": it answers */
};

static size_t take_header(char *line, size_t one, size_t size, void *arg)
{
	struct call *call = arg;

	(void)one;
	if (size > 13 && !strncasecmp(line, "grpc-status: ", 13))
		call->status = strtol(line + 13, NULL, 10);
	else if (size > 14 && !strncasecmp(line, "grpc-message: ", 14))
		snprintf(call->message, sizeof(call->message), "%.*s", (int)(size - 14 < 255 ? size - 14 : 255),
			 line + 14);
	call->message[strcspn(call->message, "\r\n")] = '\0';
	return size;
}

static size_t take_body(char *data, size_t one, size_t size, void *arg)
{
	struct call *call = arg;

	(void)one;
	if (call->size + size > ANSWER_MAX)
		return 0; /* ends the call */
	if (call->size + size > call->room) {
		size_t room = 2 * (call->size + size);
		char *more = realloc(call->body, room);

		if (!more)
			return 0;
		call->body = more;
		call->room = room;
	}
	memcpy(call->body + call->size, data, size);
	call->size += size;
	return size;
}

static void cri_ask(void *state, double seconds)
{
	struct cri *cri = state;
	double due = bg_clock_seconds() + seconds;

	if (!cri->ask_due || due < cri->ask_due)
		cri->ask_due = due;
}

static void prepare(struct cri *cri, struct call *call, const char *method)
{
	static const char nothing[CRI_FRAME_HEAD] = { 0 }; /* a message without fields */

	call->size = 0;
	call->status = -1;
	call->message[0] = '\0';
	snprintf(call->url, sizeof(call->url), "http://localhost/%s.RuntimeService/%s", services[cri->service],
		 method);
	curl_easy_reset(call->easy);
	curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
	curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, cri->socket);
	curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, nothing);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)sizeof(nothing));
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, cri->headers);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
	/* libcurl 7.88 fails calls that share an HTTP/2 connection ("Error in the HTTP2 framing layer") */
	curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
}

static void start_list(struct cri *cri)
{
	cri->ask_due = 0;
	prepare(cri, &cri->list, "ListPodSandbox");
	curl_easy_setopt(cri->list.easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(cri->list.easy, CURLOPT_WRITEDATA, &cri->list);
	curl_easy_setopt(cri->list.easy, CURLOPT_TIMEOUT, CALL_SECONDS);
	cri->list.active = curl_multi_add_handle(cri->multi, cri->list.easy) == CURLM_OK;
}

static void *cri_open(const char *socket, const struct source_calls *calls)
{
	struct cri *cri = bg_need(calloc(1, sizeof(*cri)));

	curl_global_init(CURL_GLOBAL_NOTHING);
	cri->calls = *calls;
	cri->socket = bg_need(strdup(socket));
	cri->multi = bg_need(curl_multi_init());
	curl_multi_setopt(cri->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	cri->list.easy = bg_need(curl_easy_init());
	cri->headers = bg_need(curl_slist_append(NULL, "content-type: application/grpc"));
	cri->headers = bg_need(curl_slist_append(cri->headers, "te: trailers"));
	cri->headers = bg_need(curl_slist_append(cri->headers, "Expect:"));
	cri->retry = (struct bg_retry){ .first = RETRY_FIRST, .most = RETRY_MOST };
	cri->ask_due = bg_clock_seconds();
	return cri;
}

static void cri_close(void *state)
{
	struct cri *cri = state;

	curl_multi_remove_handle(cri->multi, cri->list.easy);
	curl_easy_cleanup(cri->list.easy);
	curl_multi_cleanup(cri->multi);
	curl_slist_free_all(cri->headers);
	free(cri->list.body);
	free(cri->socket);
	free(cri);
}

/* Said once, until it works again; status has the latest reason. */
static void failed(struct cri *cri, const char *what)
{
	stats.errors[ERROR_CRI]++;
	if (!*cri->problem)
		say(LOG_WARNING, "the container runtime at %s: %s; the gates of pods stay as they are", cri->socket,
		    what);
	snprintf(cri->problem, sizeof(cri->problem), "%s", what);
	cri_ask(cri, bg_retry_failed(&cri->retry));
}

static void finish_list(struct cri *cri, CURLcode result)
{
	struct call *call = &cri->list;
	struct cri_list list;
	char what[300];

	if (result == CURLE_OK && call->status == UNIMPLEMENTED && cri->service == 0) {
		cri->service = 1; /* an older runtime */
		cri_ask(cri, 0);
		return;
	}
	if (result != CURLE_OK || call->status != 0) {
		if (result != CURLE_OK)
			snprintf(what, sizeof(what), "%s", curl_multi_problem(call->easy, result));
		else
			snprintf(what, sizeof(what), "grpc-status %ld %.200s", call->status, call->message);
		cri->service = 0; /* who comes back may be another one */
		failed(cri, what);
		return;
	}
	if (cri_list_read(call->body, call->size, &list)) {
		failed(cri, "its answer is no list of sandboxes");
		return;
	}
	if (*cri->problem)
		say(LOG_INFO, "the container runtime at %s answers again", cri->socket);
	cri->problem[0] = '\0';
	bg_retry_reset(&cri->retry);
	cri_ask(cri, IDLE_S);
	cri->calls.listed(list.workloads, list.count, cri->calls.arg);
	cri_list_free(&list);
}

static unsigned int cri_polls(void *state, struct pollfd *polls, unsigned int room)
{
	struct cri *cri = state;

	return curl_multi_polls(cri->multi, polls, room);
}

static void sooner(double due, int *ms)
{
	int left = bg_clock_ms_until(due);

	if (left >= 0 && (*ms < 0 || left < *ms))
		*ms = left;
}

static int cri_timeout_ms(void *state)
{
	struct cri *cri = state;
	long curl = -1;
	int ms;

	curl_multi_timeout(cri->multi, &curl);
	ms = (int)curl;
	if (cri->list.active && (ms < 0 || ms > PATIENCE_MS))
		ms = PATIENCE_MS;
	if (!cri->list.active)
		sooner(cri->ask_due, &ms);
	return ms;
}

/* libcurl 7.88 may hold back a part of an answer that it has read, and forget to say that it wants to go on: asked until
 * nothing more comes, and every PATIENCE_MS while a call is under way. */
static void perform(struct cri *cri)
{
	size_t before;
	int running;

	do {
		before = cri->list.size;
		curl_multi_perform(cri->multi, &running);
	} while (cri->list.active && cri->list.size != before);
}

static void cri_run(void *state)
{
	struct cri *cri = state;
	double now = bg_clock_seconds();
	const CURLMsg *message;
	int left;

	if (!cri->list.active && cri->ask_due > 0 && cri->ask_due <= now)
		start_list(cri);
	perform(cri);
	while ((message = curl_multi_info_read(cri->multi, &left))) {
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		cri->list.active = false;
		curl_multi_remove_handle(cri->multi, cri->list.easy);
		finish_list(cri, result);
	}
}

static const char *cri_problem(void *state)
{
	const struct cri *cri = state;

	return *cri->problem ? cri->problem : NULL;
}

const struct source source_cri = {
	.name = "cri",
	.engine = "the container runtime",
	.open = cri_open,
	.polls = cri_polls,
	.timeout_ms = cri_timeout_ms,
	.run = cri_run,
	.ask = cri_ask,
	.close = cri_close,
	.problem = cri_problem,
};
