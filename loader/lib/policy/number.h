/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_NUMBER_H
#define BINDGATE_NUMBER_H

#include <stdbool.h>

/* Decimal digits and nothing else, at most `max`. false: it is no such number, and *out is untouched. */
bool bg_number_parse(const char *text, unsigned long max, unsigned long *out);

#endif
