/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_DAEMON_H
#define BINDGATE_DAEMON_H

#include "gate/store.h"

/* Makes the caller the daemon of this pin directory, for as long as the descriptor that is returned stays open: two would
 * end each other's gates. The store is open for writing, its programs are loaded. -EWOULDBLOCK: another is, which the error
 * names. */
int bg_daemon_lock(const struct bg_store *store, struct bg_error *error);

#endif
