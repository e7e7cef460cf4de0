// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What parses prints to a text that parses to the same. */
#include "policy/rule.h"

#include "fuzz.h"
#include "policy/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), printed[BG_RULE_TEXT_MAX], again[BG_RULE_TEXT_MAX];
	struct bg_rule rule, second;
	struct bg_error error;

	if (!bg_rule_parse(text, &rule, &error)) {
		bg_rule_print(&rule, printed);
		HOLDS(!bg_rule_parse(printed, &second, &error));
		HOLDS(!strcmp(printed, bg_rule_print(&second, again)) && bg_rule_same(&rule, &second));
		HOLDS(bg_rule_covers(&rule, &second) == !rule.seconds);
	}
	free(text);
	return 0;
}
