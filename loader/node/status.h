/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_STATUS_H
#define BINDGATED_STATUS_H

#include "base/error.h"

#include <stdbool.h>

/* Prints what answered to /status, which need not have been a bindgated: anybody may listen there while none does.
 * -EPROTO: it is no status. */
int status_print(const char *answer, bool json, struct bg_error *error);

/* Does it say that the daemon is ready? What is no status does not. */
bool status_is_ready(const char *answer);

#endif
