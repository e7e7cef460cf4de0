// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/libbpf_log_internal.h"

#include "base/log.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static struct bg_error *last_warning;

__attribute__((format(printf, 2, 0))) static int print(enum libbpf_print_level level, const char *format,
						       va_list args)
{
	va_list again;

	va_copy(again, args);
	bg_log_args(format, again);
	va_end(again);
	if (level != LIBBPF_WARN || !last_warning)
		return 0;
	vsnprintf(last_warning->text, sizeof(last_warning->text), format, args);
	last_warning->text[strcspn(last_warning->text, "\n")] = '\0';
	return 0;
}

void bg_libbpf_log(struct bg_error *last)
{
	last_warning = last;
	libbpf_set_print(print);
}
