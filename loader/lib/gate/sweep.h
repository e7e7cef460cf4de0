/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SWEEP_H
#define BINDGATE_SWEEP_H

#include "gate/store.h"

/* Opens the store as bg_store_open does, and clears away what killed commands left in it: also for a reader, who takes the
 * exclusive lock for that moment where there is something. Gates whose cgroup is gone are collected, but with
 * BG_STORE_KEEP. Errors as bg_store_open. */
int bg_sweep_open(const char *dir, enum bg_store_access access, struct bg_store *out, struct bg_error *error);

#endif
