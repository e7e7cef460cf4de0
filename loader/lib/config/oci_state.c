// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/oci_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "io.kubernetes.pod.namespace"
#define PID_MAX 4194304

static const char *text_of(const json_t *object, const char *key, const char *without)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : without;
}

/* Annotations that are no text are left out: no grant can name them. */
static void take_annotations(json_t *annotations, struct bg_oci_state *state)
{
	const char *key;
	json_t *value;

	state->namespace = text_of(annotations, NAMESPACE, "");
	state->request = text_of(annotations, BG_GRANT_ANNOTATION, NULL);
	json_object_foreach(annotations, key, value)
	{
		if (json_is_string(value))
			state->annotations[state->annotations_count++] =
				(struct bg_label){ .key = key, .value = json_string_value(value) };
	}
}

int bg_oci_state_parse(const char *text, size_t size, struct bg_oci_state *out, struct bg_error *error)
{
	struct bg_oci_state state = { 0 };
	json_t *annotations;
	json_error_t why;
	json_int_t pid;

	state.json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	if (!state.json)
		return bg_error(error, -EINVAL, "the state is not JSON: %.160s", why.text);
	annotations = json_object_get(state.json, "annotations");
	if (!json_is_object(state.json) ||
	    (annotations && !json_is_object(annotations) && !json_is_null(annotations))) {
		json_decref(state.json);
		return bg_error(error, -EINVAL, "the state is JSON, but not that of a container");
	}
	state.annotations = calloc(json_object_size(annotations) + 1, sizeof(*state.annotations));
	if (!state.annotations) {
		json_decref(state.json);
		return bg_error(error, -ENOMEM, "out of memory");
	}
	pid = json_integer_value(json_object_get(state.json, "pid"));
	state.pid = pid > 0 && pid <= PID_MAX ? (pid_t)pid : 0;
	state.id = text_of(state.json, "id", "?");
	take_annotations(annotations, &state);
	*out = state;
	return 0;
}

void bg_oci_state_free(struct bg_oci_state *state)
{
	free(state->annotations);
	json_decref(state->json);
	*state = (struct bg_oci_state){ 0 };
}
