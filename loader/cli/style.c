// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *cli_style(const char *name)
{
	static const char *const styles[][2] = {
		{ "bold", "\033[1m" },   { "dim", "\033[2m" },     { "red", "\033[31m" },
		{ "green", "\033[32m" }, { "yellow", "\033[33m" }, { "plain", "\033[0m" },
	};
	static int coloured = -1;

	if (coloured < 0)
		coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	for (size_t i = 0; coloured && i < sizeof(styles) / sizeof(*styles); i++)
		if (!strcmp(styles[i][0], name))
			return styles[i][1];
	return "";
}
