/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CLEAN_H
#define BINDGATE_CLEAN_H

/* Names of cgroups and processes may hold any bytes: what is not printable UTF-8 becomes \\xNN, what is longer than a
 * path is cut. Good until the fourth call after; not for use by two threads. */
const char *bg_clean(const char *text);

#endif
