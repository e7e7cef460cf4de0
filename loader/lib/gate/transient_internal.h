/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TRANSIENT_INTERNAL_H
#define BINDGATE_TRANSIENT_INTERNAL_H

#include "gate/transient.h"

/* Kills what is left of those whose process is gone, and ends those that are empty. Waits for nothing: true where
 * processes are still dying. The store is open for writing. */
bool bg_transient_sweep(struct bg_store *store);

#endif
