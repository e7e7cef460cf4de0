/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_LIBBPF_LOG_INTERNAL_H
#define BINDGATE_LIBBPF_LOG_INTERNAL_H

#include "base/error.h"

/* What libbpf says, the verifier's log included, goes to bg_log and nowhere else; the first line of its last warning also into
 * `last`, for which it stays until the next call. NULL: into the log only. */
void bg_libbpf_log(struct bg_error *last);

#endif
