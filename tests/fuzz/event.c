// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A decision of any bytes, as a ring buffer may hold it: one line, one object of JSON, both printable. What stands
 * behind the record is the name of its cgroup. */
#include "cli/cli.h"
#include "policy/event.h"

#include "fuzz.h"
#include "program.h"

static void check_json(const struct bg_event *event, const char *cgroup)
{
	json_t *object = bg_json_event(event, cgroup), *again;
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	HOLDS(text && strlen(text) > 0);
	again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	HOLDS(again && json_equal(object, again));
	HOLDS(json_integer_value(json_object_get(again, "pid")) == event->pid);
	HOLDS(json_integer_value(json_object_get(again, "uid")) == event->uid);
	HOLDS(json_is_null(json_object_get(again, "rule")) == (event->slot >= BG_RULES_MAX));
	json_decref(again);
	json_decref(object);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bg_event event = { 0 };
	char *cgroup, *line;
	FILE *out = stdout;
	size_t line_size;

	memcpy(&event, data, size < sizeof(event) ? size : sizeof(event));
	cgroup = text_of(data + sizeof(event) * (size > sizeof(event)),
			 size > sizeof(event) ? size - sizeof(event) : 0);
	check_json(&event, cgroup);
	stdout = open_memstream(&line, &line_size);
	cli_print_event(&event, cgroup);
	fclose(stdout);
	stdout = out;
	HOLDS(program_lines(line) == 1);
	free(line);
	free(cgroup);
	return 0;
}
