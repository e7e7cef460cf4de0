// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a runtime sends to its NRI plugin, any bytes: they end the connection or are answered, each request once, however
 * they were cut; and what is told of them is whole. The input is taken as the bytes of a connection, and as requests
 * that a runtime frames: a method's number, a length in two bytes, and the message. */
#include "node/source/nri_session.h"

#include "nri.pb-c.h"

#include "fuzz.h"

#define OK_OR_REFUSED(uid) (strlen(uid) % 3 ? 0 : -1) /* what the daemon says of a pod; any will do */

static const char *const methods[] = { "Configure",       "Synchronize", "RunPodSandbox", "RemovePodSandbox",
				       "CreateContainer", "StateChange", "Shutdown",      "Unknown" };
#define METHODS (sizeof(methods) / sizeof(*methods))

static size_t whole_text(const char *text)
{
	HOLDS(text);
	return strlen(text);
}

static void check_workload(const struct workload *workload)
{
	size_t sum = whole_text(workload->id) + whole_text(workload->run) + whole_text(workload->name) +
		     whole_text(workload->namespace);

	for (size_t i = 0; i < workload->labels_count; i++)
		sum += whole_text(workload->labels[i].key) + whole_text(workload->labels[i].value);
	for (size_t i = 0; i < workload->annotations_count; i++)
		sum += whole_text(workload->annotations[i].key) + whole_text(workload->annotations[i].value);
	HOLDS(sum < 1UL << 30);
	HOLDS(!workload->cgroup || (*workload->cgroup == '/' && !strstr(workload->cgroup, "..")));
}

static void listed(const struct workload *workloads, size_t count, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < count; i++)
		check_workload(&workloads[i]);
}

static int began(const struct workload *workload, enum workload_stage stage, struct bg_error *error, void *arg)
{
	(void)arg;
	HOLDS(stage == WORKLOAD_BEGINS || stage == WORKLOAD_RUNS);
	check_workload(workload);
	return OK_OR_REFUSED(workload->id) ? bg_error(error, -1, "refused: %.100s", workload->id) : 0;
}

static void ended(const struct workload *workload, void *arg)
{
	(void)arg;
	check_workload(workload);
}

static const struct source_calls calls = { .listed = listed, .began = began, .ended = ended };

/* What came of a connection: all that was sent, and the error that ended it. */
struct outcome {
	unsigned char *out;
	size_t size;
	int err;
};

static struct outcome converse(const uint8_t *data, size_t size, size_t step)
{
	struct outcome outcome = { 0 };
	struct nri_session session;
	struct bg_error error;

	nri_session_begin(&session, &calls);
	for (size_t at = 0; at < size && !outcome.err; at += step) {
		outcome.err = nri_session_feed(&session, data + at, size - at < step ? size - at : step, &error);
		HOLDS(outcome.err <= 0 && (!outcome.err || *error.text));
		if (!outcome.err)
			nri_session_rest(&session);
	}
	outcome.size = session.wire.out.size;
	outcome.out = malloc(outcome.size + 1);
	HOLDS(outcome.out);
	memcpy(outcome.out, session.wire.out.at, outcome.size);
	nri_session_end(&session);
	return outcome;
}

/* Of the requests among the first messages of a wire that the runtime fills. */
static size_t count_requests(const uint8_t *data, size_t size)
{
	struct nri_wire wire = { 0 };
	struct nri_message message;
	size_t count = 0;

	nri_wire_feed(&wire, data, size);
	while (nri_wire_next(&wire, NRI_PLUGIN, &message) > 0) {
		count += message.type == NRI_REQUEST;
		nri_wire_done(&wire, NRI_PLUGIN, &message);
	}
	nri_wire_free(&wire);
	return count;
}

static void check_answers(const struct outcome *outcome, size_t requests)
{
	struct nri_wire wire = { 0 };
	struct nri_message message;
	size_t answers = 0;

	HOLDS(!nri_wire_feed(&wire, outcome->out, outcome->size) && !wire.head_size);
	HOLDS(nri_wire_next(&wire, NRI_RUNTIME, &message) == 1 && message.type == NRI_REQUEST);
	nri_wire_done(&wire, NRI_RUNTIME, &message);
	HOLDS(!wire.in[NRI_RUNTIME].size);
	while (nri_wire_next(&wire, NRI_PLUGIN, &message) > 0) {
		Nri__Response *response = nri__response__unpack(NULL, message.size, message.at);

		HOLDS(message.type == NRI_RESPONSE && response);
		HOLDS(!response->status || (response->status->code && *response->status->message));
		nri__response__free_unpacked(response, NULL);
		nri_wire_done(&wire, NRI_PLUGIN, &message);
		answers++;
	}
	HOLDS(!wire.in[NRI_PLUGIN].size);
	HOLDS(outcome->err ? answers <= requests : answers == requests);
	nri_wire_free(&wire);
}

static void check(const uint8_t *data, size_t size)
{
	struct outcome whole = converse(data, size, size + 1), cut = converse(data, size, 7);

	HOLDS(!whole.err == !cut.err);
	HOLDS(whole.err || (whole.size == cut.size && !memcmp(whole.out, cut.out, whole.size)));
	check_answers(&whole, count_requests(data, size));
	free(whole.out);
	free(cut.out);
}

static void add_request(struct nri_wire *wire, __u32 call, const char *method, const uint8_t *message, size_t size)
{
	static char service[] = "nri.pkg.api.v1alpha1.Plugin";
	Nri__Request request = NRI__REQUEST__INIT;
	unsigned char *packed;
	size_t length;

	request.service = service;
	request.method = (char *)method;
	request.payload.data = (uint8_t *)message;
	request.payload.len = size;
	length = nri__request__get_packed_size(&request);
	packed = malloc(length + 1);
	HOLDS(packed);
	nri__request__pack(&request, packed);
	nri_wire_send(wire, NRI_PLUGIN, call, NRI_REQUEST, packed, length);
	free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nri_wire wire = { 0 };
	__u32 call = 1;

	check(data, size);
	for (size_t at = 0; size - at >= 3; call += 2) {
		size_t length = (size_t)data[at + 1] << 8 | data[at + 2], left = size - at - 3;

		length = length < left ? length : left;
		add_request(&wire, call, methods[data[at] % METHODS], data + at + 3, length);
		at += 3 + length;
	}
	check(wire.out.at, wire.out.size);
	nri_wire_free(&wire);
	return 0;
}
