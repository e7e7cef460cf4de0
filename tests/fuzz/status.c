// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What answers on the daemon's port, any bytes: no status, or lines and JSON that are printable. */
#include "node/status.h"

#include "fuzz.h"
#include "program.h"

#include <errno.h>
#include <jansson.h>

static char *print(const char *answer, bool json, int *err)
{
	struct bg_error error = { "" };
	FILE *out = stdout;
	size_t size;
	char *said;

	stdout = open_memstream(&said, &size);
	*err = status_print(answer, json, &error);
	fclose(stdout);
	stdout = out;
	HOLDS(*err ? *err == -EPROTO && *error.text && !*said : *said);
	return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *answer = text_of(data, size), *lines, *text;
	int err, err_json;
	json_t *again;

	lines = print(answer, false, &err);
	program_lines(lines);
	text = print(answer, true, &err_json);
	HOLDS(err == err_json);
	for (const char *c = text; *c; c++)
		HOLDS(*c == '\n' || (*c >= ' ' && (unsigned char)*c < 0x80));
	again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	HOLDS(err || json_is_object(again));
	json_decref(again);
	free(answer);
	free(lines);
	free(text);
	return 0;
}
