// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A container's state, any bytes: none, or one whose parts can be used; and no grant speaks of what it does not hold. */
#include "config/oci_state.h"

#include "fuzz.h"

#include <errno.h>

static bool has(const struct bg_oci_state *state, const char *key, const char *value)
{
	for (size_t i = 0; i < state->annotations_count; i++)
		if (!strcmp(state->annotations[i].key, key))
			return !strcmp(state->annotations[i].value, value);
	return false;
}

static void ask(const struct bg_oci_state *state)
{
	static const char *labels[] = { "team=web", "a=b=c" }, *may[] = { "80", "8000-8100/tcp" };
	static char namespace[] = "shop";
	const struct bg_declared_pod labelled = { .labels = (char **)labels, .labels_count = 2 },
				     spaced = { .namespace = namespace },
				     open = { .may_ask = (char **)may, .may_ask_count = 2 };
	static struct bg_policy policy;
	struct bg_error error = { "" };
	int err;

	HOLDS(bg_grant_matches(&open, state->namespace, state->annotations, state->annotations_count));
	HOLDS(bg_grant_matches(&labelled, state->namespace, state->annotations, state->annotations_count) ==
	      (has(state, "team", "web") && has(state, "a", "b=c")));
	HOLDS(bg_grant_matches(&spaced, state->namespace, state->annotations, state->annotations_count) ==
	      has(state, "io.kubernetes.pod.namespace", "shop"));
	err = bg_grant_policy(&open, "fuzz", state->request, &policy, &error);
	HOLDS(err ? err == -EACCES && *error.text && !policy.count : !*error.text);
	HOLDS(state->request || !policy.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bg_oci_state state = { .id = "untouched" };
	struct bg_error error = { "" };

	if (bg_oci_state_parse((const char *)data, size, &state, &error)) {
		HOLDS(!strcmp(state.id, "untouched") && !strncmp(error.text, "the state is ", 13));
		return 0;
	}
	HOLDS(state.id && state.namespace && state.pid >= 0 && state.pid <= 4194304);
	HOLDS(!state.request || has(&state, BG_GRANT_ANNOTATION, state.request));
	ask(&state);
	bg_oci_state_free(&state);
	return 0;
}
