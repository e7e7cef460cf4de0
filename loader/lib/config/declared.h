/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_DECLARED_H
#define BINDGATE_DECLARED_H

#include "config/file.h"

/* A policy as a file declares it: what is as usual is not written. -ENOMEM. Freed with the declaration it is in, or
 * with bg_declared_gate_free. */
int bg_declared_gate(const char *cgroup, const struct bg_policy *policy, struct bg_declared_gate *out);
void bg_declared_gate_free(struct bg_declared_gate *gate);

#endif
