// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A file that is taken gives policies; one that is not gives a line that names it. */
#include "declare.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bg_declaration *declaration;
	struct bg_error error = { "" };
	static struct bg_policy policy;
	char *text;

	if (bg_declare_parse("file", (const char *)data, size, &declaration, &error)) {
		HOLDS(!strncmp(error.text, "file:", 5));
		return 0;
	}
	for (unsigned int i = 0; i < declaration->gates_count; i++)
		HOLDS(!bg_declare_policy(&declaration->gates[i].policy, "fuzz", &policy, &error));
	text = bg_declare_print(declaration);
	free(text);
	bg_declare_free(declaration);
	return 0;
}
