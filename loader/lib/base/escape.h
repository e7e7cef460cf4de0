/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_ESCAPE_H
#define BINDGATE_ESCAPE_H

#include <stdio.h>

/* Names of cgroups and processes may hold any bytes: what is not printable UTF-8 becomes \\xNN, what is longer than a
 * path is cut. Good until the fourth call after; not for use by two threads. */
const char *bg_escape(const char *text);

/* Such a name as one word of a shell's command line, quoted where it takes that. */
void bg_print_word(FILE *out, const char *text);

#endif
