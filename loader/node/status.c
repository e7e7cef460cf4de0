// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/status.h"

#include "base/escape.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *text_of(const json_t *object, const char *key, const char *without)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? bg_escape(text) : without;
}

static void print_lines(const json_t *status)
{
	const json_t *each;
	size_t i;

	printf("bindgated %s, configuration %s\n", text_of(status, "version", "?"),
	       json_is_true(json_object_get(status, "config_valid")) ? "as in the files"
								     : "refused: the last good one is in force");
	json_array_foreach(json_object_get(status, "gates"), i, each)
		printf("  %-48s %-6s %s\n", text_of(each, "cgroup", "?"), text_of(each, "source", "?"),
		       text_of(each, "problem", "gated"));
	json_array_foreach(json_object_get(status, "engines"), i, each)
		printf("  %-48s %-6s %s\n", text_of(each, "socket", "?"), text_of(each, "source", "?"),
		       text_of(each, "problem", "heard"));
	json_array_foreach(json_object_get(status, "refused"), i, each)
		printf("  %-48s pod    refused: %s\n", text_of(each, "pod", "?"), text_of(each, "reason", "?"));
}

int status_print(const char *answer, bool json, struct bg_error *error)
{
	json_t *status = json_loads(answer, 0, NULL);

	if (!json_is_object(status)) {
		json_decref(status);
		return bg_error(error, -EPROTO, "the answer is no status");
	}
	if (json) {
		json_dumpf(status, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		print_lines(status);
	}
	json_decref(status);
	return 0;
}
