/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_NEED_H
#define BINDGATE_NEED_H

/* Memory that a program cannot do without: where it was not to be had, says so and ends the process with 1. Gates hold. For
 * the programs; the library's own functions return -ENOMEM. */
void *bg_need(void *memory) __attribute__((returns_nonnull));

#endif
