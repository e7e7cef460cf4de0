// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/status.h"

#include "base/escape.h"
#include "base/need.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key, const char *without)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? bg_escape(text) : without;
}

static void print_engine(const json_t *engine)
{
	const char *since = text_of(engine, "since", NULL);

	printf("  %s at %s: ", text_of(engine, "source", "?"), text_of(engine, "socket", "?"));
	if (since)
		printf("not heard since %s: %s\n", since, text_of(engine, "problem", "?"));
	else
		puts("heard");
}

/* A line of the table; the texts are the answer's. */
struct row {
	const char *pod, *source, *cgroup, *what;
	bool refused;
};

static const char *raw_text(const json_t *object, const char *key, const char *without)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : without;
}

/* What is no pod's first; then by namespace and name. */
static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->pod, y->pod);

	return order ? order : strcmp(x->cgroup, y->cgroup);
}

static int width_of(const char *text, int least)
{
	int width = (int)strlen(bg_escape(text));

	return width > 63 ? 63 : width > least ? width : least;
}

static void print_rows(const struct row *rows, size_t count)
{
	int pods = 3, cgroups = 6;

	for (size_t i = 0; i < count; i++) {
		pods = width_of(rows[i].pod, pods);
		cgroups = width_of(rows[i].cgroup, cgroups);
	}
	if (count)
		printf("  %-*s  %-5s  %-*s  %s\n", pods, "POD", "FROM", cgroups, "CGROUP", "STATE");
	for (size_t i = 0; i < count; i++)
		printf("  %-*s  %-5s  %-*s  %s%s\n", pods, *rows[i].pod ? bg_escape(rows[i].pod) : "-",
		       bg_escape(rows[i].source), cgroups, bg_escape(rows[i].cgroup),
		       rows[i].refused ? "refused: " : "", bg_escape(rows[i].what));
}

static void print_table(const json_t *status)
{
	const json_t *gates = json_object_get(status, "gates"), *refused = json_object_get(status, "refused"),
		     *each;
	struct row *rows = bg_need(calloc(json_array_size(gates) + json_array_size(refused) + 1, sizeof(*rows)));
	size_t i, count = 0;

	json_array_foreach(gates, i, each) rows[count++] =
		(struct row){ .pod = raw_text(each, "pod", ""),
			      .source = raw_text(each, "source", "?"),
			      .cgroup = raw_text(each, "cgroup", "?"),
			      .what = raw_text(each, "problem", "gated") };
	json_array_foreach(refused, i, each) rows[count++] = (struct row){ .pod = raw_text(each, "pod", "?"),
									   .source = "pods",
									   .cgroup = raw_text(each, "cgroup", "?"),
									   .what = raw_text(each, "reason", "?"),
									   .refused = true };
	qsort(rows, count, sizeof(*rows), by_name);
	print_rows(rows, count);
	free(rows);
}

static void print_all(const json_t *status)
{
	const json_t *each;
	size_t i;

	printf("bindgated %s, configuration %s\n", text_of(status, "version", "?"),
	       json_is_true(json_object_get(status, "config_valid")) ? "as in the files"
								     : "refused: the last good one is in force");
	json_array_foreach(json_object_get(status, "engines"), i, each) print_engine(each);
	print_table(status);
}

bool status_is_ready(const char *answer)
{
	json_t *status = json_loads(answer, 0, NULL);
	bool ready = json_is_true(json_object_get(status, "ready"));

	json_decref(status);
	return ready;
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
		print_all(status);
	}
	json_decref(status);
	return 0;
}
