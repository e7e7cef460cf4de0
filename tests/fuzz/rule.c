// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What parses prints to a text that parses to the same. */
#include "rule.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), printed[BG_RULE_TEXT_MAX], again[BG_RULE_TEXT_MAX];
	struct bg_rule rule, second;
	struct bg_error error;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (!bg_rule_parse(text, &rule, &error)) {
		bg_rule_print(&rule, printed);
		if (bg_rule_parse(printed, &second, &error) || strcmp(printed, bg_rule_print(&second, again)) ||
		    !bg_rule_same(&rule, &second) || !bg_rule_covers(&rule, &second) != (rule.seconds != 0))
			abort();
	}
	free(text);
	return 0;
}
