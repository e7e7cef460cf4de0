// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*log_sink)(const char *line);

void bg_log_to(void (*sink)(const char *line))
{
	log_sink = sink;
}

void bg_log_args(const char *format, va_list args)
{
	char *text = NULL, *rest;

	if (!log_sink || vasprintf(&text, format, args) < 0)
		return;
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line)
			log_sink(line);
	free(text);
}

void bg_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	bg_log_args(format, args);
	va_end(args);
}
