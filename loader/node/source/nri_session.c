// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/nri_session.h"

#include "base/escape.h"
#include "base/need.h"
#include "node/source/nri_pods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN "nri.pkg.api.v1alpha1.Plugin"
#define RUNTIME "nri.pkg.api.v1alpha1.Runtime"
#define REGISTER_CALL 1

enum event { /* as NRI numbers them */
	RUN_POD_SANDBOX = 1,
	REMOVE_POD_SANDBOX = 3,
	CREATE_CONTAINER = 4,
};
#define WANTED (1 << (RUN_POD_SANDBOX - 1) | 1 << (REMOVE_POD_SANDBOX - 1) | 1 << (CREATE_CONTAINER - 1))

enum code { /* gRPC's */
	OK = 0,
	INVALID_ARGUMENT = 3,
	FAILED_PRECONDITION = 9,
	UNIMPLEMENTED = 12,
};

/* What one call comes to. */
struct answer {
	enum code code;
	struct bg_error error;     /* in words, unless it is OK */
	unsigned char payload[16]; /* messages that answer are small */
	size_t size;
};

static void refuse(struct answer *answer, enum code code, const char *what)
{
	answer->code = code;
	bg_error(&answer->error, -EPROTO, "%s", what);
}

static int send_message(struct nri_wire *wire, enum nri_stream stream, __u32 call, enum nri_type type,
			const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	unsigned char *packed = bg_need(malloc(size + 1));
	int err;

	protobuf_c_message_pack(message, packed);
	err = nri_wire_send(wire, stream, call, type, packed, size);
	free(packed);
	return err;
}

/* ---- what the runtime asks ---- */

static void configure(struct nri_session *session, const Nri__Request *request, struct answer *answer)
{
	Nri__Configure *asked = nri__configure__unpack(NULL, request->payload.len, request->payload.data);
	Nri__Configured configured = NRI__CONFIGURED__INIT;

	if (!asked) {
		refuse(answer, INVALID_ARGUMENT, "not a ConfigureRequest");
		return;
	}
	snprintf(session->runtime, sizeof(session->runtime), "%.60s %.60s", asked->runtime_name,
		 asked->runtime_version);
	configured.events = WANTED;
	answer->size = nri__configured__pack(&configured, answer->payload);
	nri__configure__free_unpacked(asked, NULL);
}

static void synchronize(struct nri_session *session, const Nri__Request *request, struct answer *answer)
{
	Nri__Synchronize *part = nri__synchronize__unpack(NULL, request->payload.len, request->payload.data);
	Nri__Synchronized more = NRI__SYNCHRONIZED__INIT;

	if (!part) {
		refuse(answer, INVALID_ARGUMENT, "not a SynchronizeRequest");
		return;
	}
	nri_session_rest(session); /* a second one before the first was told */
	if (!session->coming)
		session->coming = bg_need(calloc(1, sizeof(*session->coming)));
	more.more = part->more;
	if (nri_pods_add(session->coming, part, request->payload.len)) {
		refuse(answer, INVALID_ARGUMENT, "too many pods");
		nri_pods_free(session->coming);
		session->coming = NULL;
		return;
	}
	session->whole = !more.more;
	answer->size = nri__synchronized__pack(&more, answer->payload);
}

static void tell(struct nri_session *session, enum event event, Nri__Pod *pod, struct answer *answer)
{
	Nri__Synchronize *part = bg_need(malloc(sizeof(*part)));
	struct nri_pods *pods = bg_need(calloc(1, sizeof(*pods)));
	Nri__Pod *one[] = { pod };
	const struct source_calls *calls = session->calls;

	nri__synchronize__init(part);
	part->n_pods = 1;
	part->pods = one;
	nri_pods_add(pods, part, 0);
	nri_pods_finish(pods);
	if (event == REMOVE_POD_SANDBOX)
		calls->ended(pods->workloads, calls->arg);
	else if (calls->began(pods->workloads, event == CREATE_CONTAINER ? WORKLOAD_RUNS : WORKLOAD_BEGINS,
			      &answer->error, calls->arg))
		answer->code = FAILED_PRECONDITION;
	part->n_pods = 0; /* the pod is the caller's */
	part->pods = NULL;
	nri_pods_free(pods);
}

static void change_state(struct nri_session *session, const Nri__Request *request, struct answer *answer)
{
	Nri__StateChange *change = nri__state_change__unpack(NULL, request->payload.len, request->payload.data);

	if (!change)
		refuse(answer, INVALID_ARGUMENT, "not a StateChangeEvent");
	else if (change->pod && (change->event == RUN_POD_SANDBOX || change->event == REMOVE_POD_SANDBOX))
		tell(session, (enum event)change->event, change->pod, answer);
	nri__state_change__free_unpacked(change, NULL);
}

static void of_pod(struct nri_session *session, const Nri__Request *request, enum event event, struct answer *answer)
{
	Nri__OfPod *asked = nri__of_pod__unpack(NULL, request->payload.len, request->payload.data);

	if (!asked)
		refuse(answer, INVALID_ARGUMENT, "not a request of a pod");
	else if (asked->pod)
		tell(session, event, asked->pod, answer);
	nri__of_pod__free_unpacked(asked, NULL);
}

static void handle(struct nri_session *session, const Nri__Request *request, struct answer *answer)
{
	const char *method = request->method;

	if (strcmp(request->service, PLUGIN) != 0)
		refuse(answer, UNIMPLEMENTED, "no such service");
	else if (!strcmp(method, "Configure"))
		configure(session, request, answer);
	else if (!strcmp(method, "Synchronize"))
		synchronize(session, request, answer);
	else if (!strcmp(method, "StateChange")) /* of NRI before 0.13, where the next two are events */
		change_state(session, request, answer);
	else if (!strcmp(method, "RunPodSandbox"))
		of_pod(session, request, RUN_POD_SANDBOX, answer);
	else if (!strcmp(method, "RemovePodSandbox"))
		of_pod(session, request, REMOVE_POD_SANDBOX, answer);
	else if (!strcmp(method, "CreateContainer"))
		of_pod(session, request, CREATE_CONTAINER, answer);
	else if (strcmp(method, "Shutdown") != 0)
		refuse(answer, UNIMPLEMENTED, "no such method");
}

static int answer_call(struct nri_session *session, const struct nri_message *message)
{
	Nri__Request *request = nri__request__unpack(NULL, message->size, message->at);
	struct answer answer = { .code = OK };
	Nri__Status status = NRI__STATUS__INIT;
	Nri__Response response = NRI__RESPONSE__INIT;

	if (request)
		handle(session, request, &answer);
	else
		refuse(&answer, INVALID_ARGUMENT, "not a request");
	nri__request__free_unpacked(request, NULL);
	status.code = answer.code;
	status.message =
		(char *)bg_escape(answer.error.text); /* protobuf wants UTF-8, and who reads it plain text */
	response.status = answer.code == OK ? NULL : &status;
	response.payload.data = answer.payload;
	response.payload.len = answer.size;
	return send_message(&session->wire, NRI_PLUGIN, message->call, NRI_RESPONSE, &response.base);
}

/* ---- what the plugin asked ---- */

static int take_answer(struct nri_session *session, const struct nri_message *message, struct bg_error *error)
{
	Nri__Response *response = nri__response__unpack(NULL, message->size, message->at);
	int err = 0;

	if (!response)
		err = bg_error(error, -EPROTO, "its answer to the registration is none");
	else if (response->status && response->status->code != OK)
		err = bg_error(error, -EACCES, "it refuses the plugin: %.200s", response->status->message);
	session->registered |= !err;
	nri__response__free_unpacked(response, NULL);
	return err;
}

void nri_session_begin(struct nri_session *session, const struct source_calls *calls)
{
	Nri__RegisterPlugin plugin = NRI__REGISTER_PLUGIN__INIT;
	Nri__Request request = NRI__REQUEST__INIT;
	static char name[] = "bindgated", service[] = RUNTIME, method[] = "RegisterPlugin";
	static char order[] =
		"00"; /* plugins are called by it: a refusal of the first spares the others their work */
	unsigned char packed[64];

	*session = (struct nri_session){ .calls = calls };
	plugin.plugin_name = name;
	plugin.plugin_idx = order;
	request.service = service;
	request.method = method;
	request.payload.data = packed;
	request.payload.len = nri__register_plugin__pack(&plugin, packed);
	send_message(&session->wire, NRI_RUNTIME, REGISTER_CALL, NRI_REQUEST, &request.base);
}

void nri_session_end(struct nri_session *session)
{
	nri_wire_free(&session->wire);
	nri_pods_free(session->coming);
	session->coming = NULL;
}

static int take_messages(struct nri_session *session, enum nri_stream stream, struct bg_error *error)
{
	struct nri_message message;
	int err = 0, got;

	while (!err && (got = nri_wire_next(&session->wire, stream, &message)) > 0) {
		if (stream == NRI_PLUGIN && message.type == NRI_REQUEST)
			err = answer_call(session, &message);
		else if (stream == NRI_RUNTIME && message.type == NRI_RESPONSE && message.call == REGISTER_CALL)
			err = take_answer(session, &message, error);
		else
			err = bg_error(error, -EPROTO, "it sent a message that is none of the protocol");
		nri_wire_done(&session->wire, stream, &message);
		if (err == -ENOBUFS)
			bg_error(error, err, "it does not read what it is answered");
	}
	if (!err && got < 0)
		err = bg_error(error, got, "it sent a message that is too long");
	return err;
}

int nri_session_feed(struct nri_session *session, const void *bytes, size_t size, struct bg_error *error)
{
	int err = nri_wire_feed(&session->wire, bytes, size);

	if (err)
		return bg_error(error, err, "it sent a frame that is too long");
	for (enum nri_stream stream = NRI_PLUGIN; !err && stream < NRI_STREAMS; stream++)
		err = take_messages(session, stream, error);
	return err;
}

void nri_session_rest(struct nri_session *session)
{
	struct nri_pods *pods = session->coming;

	if (!session->whole)
		return;
	session->coming = NULL;
	session->whole = false;
	session->synchronized = true;
	nri_pods_finish(pods);
	session->calls->listed(pods->workloads, pods->count, session->calls->arg);
	nri_pods_free(pods);
}
