/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_DURATION_H
#define BINDGATE_DURATION_H

#include "base/error.h"

#include <linux/types.h>

/* "30s", "10m", "2h" to seconds and back. The text is at most 16 characters with its zero. */
int bg_duration_parse(const char *text, __u32 *seconds, struct bg_error *error);
const char *bg_duration_print(__u32 seconds, char text[static 16]);

#endif
