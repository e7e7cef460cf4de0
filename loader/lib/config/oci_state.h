/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_OCI_STATE_H
#define BINDGATE_OCI_STATE_H

#include "config/grant.h"

#include <jansson.h>
#include <sys/types.h>

/* What decides which gate a container gets, taken from the state (JSON) that its runtime gives to hooks. */
struct bg_oci_state {
	const char *id;        /* "?" where it has none */
	pid_t pid;             /* 0: it names no process */
	const char *namespace; /* of its pod; "": none */
	const char *request;   /* its annotation BG_GRANT_ANNOTATION; NULL: none */
	struct bg_label *annotations;
	size_t annotations_count;
	json_t *json; /* owner of the texts */
};

/* -EINVAL: the text is not such a state. To be freed with bg_oci_state_free. */
int bg_oci_state_parse(const char *text, size_t size, struct bg_oci_state *out, struct bg_error *error);
void bg_oci_state_free(struct bg_oci_state *state);

#endif
