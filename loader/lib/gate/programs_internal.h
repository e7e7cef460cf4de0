/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROGRAMS_INTERNAL_H
#define BINDGATE_PROGRAMS_INTERNAL_H

#include "gate/store.h"

/* The programs and maps that all gates share, pinned in core/. */

/* Sets all fds to "not loaded". */
void bg_programs_forget(struct bg_store *store);

/* Opens what is pinned, as far as it is of the right kind; the other fds stay -1. Fails where it cannot look. */
int bg_programs_open(struct bg_store *store, struct bg_error *error);
void bg_programs_close(struct bg_store *store);

/* Removes the unfinished core of a process that was killed. */
void bg_programs_sweep(const char *dir);

/* Removes the directory with what bindgate pinned in it. -ENOTEMPTY: there is more in it. */
int bg_programs_remove(struct bg_store *store, struct bg_error *error);

#endif
