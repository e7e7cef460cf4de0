/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_WATCH_INTERNAL_H
#define BINDGATE_WATCH_INTERNAL_H

#include "gate/watch.h"

/* Frees the slots of watchers that died. The store is open for writing. */
void bg_watch_sweep(const struct bg_store *store);

#endif
