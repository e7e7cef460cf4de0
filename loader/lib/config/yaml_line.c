// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/yaml_line.h"

#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#define NAME_MAX_ 64

/* Where the walk through the events is: a mapping at one of its keys, or a sequence at one of its entries. */
struct level {
	bool is_mapping;
	bool at_key;
	unsigned int index;
	char key[NAME_MAX_];
};

static void print_path(const struct level *levels, unsigned int depth, char *path, size_t size)
{
	size_t used = 0;

	*path = '\0';
	for (unsigned int i = 0; i < depth && used < size; i++) {
		const struct level *level = &levels[i];

		if (level->is_mapping)
			used += (size_t)snprintf(path + used, size - used, "%s%s", used ? "." : "", level->key);
		else
			used += (size_t)snprintf(path + used, size - used, "[%u]", level->index);
	}
}

/* A whole node has been passed: on to the next key or entry. */
static void advance(struct level *level)
{
	if (level->is_mapping)
		level->at_key = true;
	else
		level->index++;
}

unsigned int bg_yaml_line(const char *text, size_t size, const char *path)
{
	struct level levels[BG_YAML_DEPTH_MAX] = { 0 };
	unsigned int depth = 0, line = 0;
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;
	char at[512];

	if (!yaml_parser_initialize(&parser))
		return 0;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (more && !line && yaml_parser_parse(&parser, &event)) {
		struct level *top = depth ? &levels[depth - 1] : NULL;
		bool is_mapping = event.type == YAML_MAPPING_START_EVENT;
		bool begins = is_mapping || event.type == YAML_SEQUENCE_START_EVENT;

		more = event.type != YAML_STREAM_END_EVENT;
		if (top && top->at_key && event.type == YAML_SCALAR_EVENT) {
			snprintf(top->key, sizeof(top->key), "%.63s", (const char *)event.data.scalar.value);
			top->at_key = false;
		} else if (begins || event.type == YAML_SCALAR_EVENT) {
			print_path(levels, depth, at, sizeof(at));
			if (!strcmp(at, path))
				line = (unsigned int)event.start_mark.line + 1;
			if (begins && depth == BG_YAML_DEPTH_MAX)
				more = false;
			else if (begins)
				levels[depth++] = (struct level){ .is_mapping = is_mapping, .at_key = is_mapping };
			else if (top)
				advance(top);
		} else if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT) {
			depth--;
			if (depth)
				advance(&levels[depth - 1]);
		}
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return line;
}
