/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROGRAMS_H
#define BINDGATE_PROGRAMS_H

#include "gate/store.h"

/* Loads and pins the programs where they are missing, and puts this build's in the place of another's, gate by gate
 * without a gap. -EPROTO: they have another layout; nothing is changed. */
int bg_programs_load(struct bg_store *store, struct bg_error *error);

#endif
