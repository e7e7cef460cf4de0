/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TRANSIENT_INTERNAL_H
#define BINDGATE_TRANSIENT_INTERNAL_H

#include "gate/transient.h"

/* Ends those whose process is gone. The store is open for writing. */
void bg_transient_sweep(struct bg_store *store);

#endif
