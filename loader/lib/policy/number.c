// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/number.h"

#include <stdlib.h>
#include <string.h>

bool bg_number_parse(const char *text, unsigned long max, unsigned long *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value;

	if (digits == 0 || digits > 10 || text[digits])
		return false;
	value = strtoul(text, NULL, 10);
	if (value > max)
		return false;
	*out = value;
	return true;
}
