/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_NRI_SESSION_H
#define BINDGATED_NRI_SESSION_H

#include "node/source/nri_wire.h"
#include "node/source/source.h"

/*
 * One connection to a runtime as its NRI plugin, without the socket: bytes in, bytes out, and calls for what the runtime
 * tells. A runtime drops a plugin that answers late; so nothing here waits, and what takes long comes after the answer.
 */
struct nri_session {
	struct nri_wire wire;
	const struct source_calls *calls;
	char runtime[128]; /* name and version; "": not told yet */
	bool registered, synchronized;
	struct nri_pods *coming; /* of a Synchronize in parts */
	bool whole;              /* all parts are there: to be told */
};

/* Begins with the plugin's registration, which is in wire.out then. */
void nri_session_begin(struct nri_session *session, const struct source_calls *calls);
void nri_session_end(struct nri_session *session);

/* Takes what came, and answers into wire.out. An error ends the connection: -EPROTO and others. */
int nri_session_feed(struct nri_session *session, const void *bytes, size_t size, struct bg_error *error);

/* To be called when wire.out was sent: does what no answer waits for. */
void nri_session_rest(struct nri_session *session);

#endif
