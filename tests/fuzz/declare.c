// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A file that is taken gives policies, and prints to one that is taken and prints so again; one that is not gives a line
 * that names it. */
#include "config/file.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bg_declaration *declaration;
	struct bg_error error = { "" };
	static struct bg_policy policy;
	char *text, *again;

	if (bg_declare_parse("file", (const char *)data, size, &declaration, &error)) {
		HOLDS(!strncmp(error.text, "file:", 5));
		return 0;
	}
	for (unsigned int i = 0; i < declaration->gates_count; i++)
		HOLDS(!bg_declare_policy(&declaration->gates[i].policy, "fuzz", &policy, &error));
	text = bg_declare_print(declaration);
	bg_declare_free(declaration);
	HOLDS(text && !bg_declare_parse("printed", text, strlen(text), &declaration, &error));
	again = bg_declare_print(declaration);
	HOLDS(again && !strcmp(text, again));
	free(text);
	free(again);
	bg_declare_free(declaration);
	return 0;
}
