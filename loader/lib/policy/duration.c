// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/duration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 252288000U /* 8 years; a port map holds deadlines up to 9 years after boot */

int bg_duration_parse(const char *text, __u32 *seconds, struct bg_error *error)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long long unit, value;

	if (digits == 0 || digits > 10)
		return bg_error(error, -EINVAL,
				"a duration is a number with s, m or h after it, such as 30s, 10m or 2h");
	if (!strcmp(text + digits, "s"))
		unit = 1;
	else if (!strcmp(text + digits, "m"))
		unit = 60;
	else if (!strcmp(text + digits, "h"))
		unit = 3600;
	else
		return bg_error(error, -EINVAL,
				"a duration is a number with s, m or h after it, such as 30s, 10m or 2h");
	value = strtoull(text, NULL, 10) * unit;
	if (value == 0 || value > SECONDS_MAX)
		return bg_error(error, -EINVAL, "a duration is between 1s and 8 years (%uh)", SECONDS_MAX / 3600);
	*seconds = (__u32)value;
	return 0;
}

const char *bg_duration_print(__u32 seconds, char text[static 16])
{
	if (seconds % 3600 == 0)
		snprintf(text, 16, "%uh", seconds / 3600);
	else if (seconds % 60 == 0)
		snprintf(text, 16, "%um", seconds / 60);
	else
		snprintf(text, 16, "%us", seconds);
	return text;
}
