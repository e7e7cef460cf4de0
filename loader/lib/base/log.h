/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_LOG_H
#define BINDGATE_LOG_H

#include <stdarg.h>

/* What the kernel and libbpf say, for whoever asks for it: the library itself prints nothing. `sink` gets one line at a time,
 * without its end and not escaped; it may come from any thread that calls the library. NULL, as at the start: nobody asks. */
void bg_log_to(void (*sink)(const char *line));

/* Text of one line or several. */
void bg_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bg_log_args(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif
