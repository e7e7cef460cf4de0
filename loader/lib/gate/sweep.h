/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SWEEP_H
#define BINDGATE_SWEEP_H

#include "gate/store.h"

/* The library's own: what killed commands left in the pin directory, and gates whose cgroup is gone. */

/* Has a killed command left something? For who holds the shared lock. */
bool bg_sweep_is_due(const char *dir);

/* Finishes or removes it all, and collects gates whose cgroup is gone. Needs the exclusive lock. */
void bg_sweep(struct bg_store *store);

#endif
