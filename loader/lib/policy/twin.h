/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TWIN_H
#define BINDGATE_TWIN_H

#include "policy/policy.h"

/*
 * A rule that confines one address family whole (deny:0.0.0.0/0:80, or 80=127.0.0.1:8080, which can match IPv4 alone) says
 * nothing of the other one, though a server on [::] takes IPv4 too. Where no rule and no default speaks of that one,
 * gives in *twin the deny that would, and returns true.
 */
bool bg_policy_lacks_twin(const struct bg_policy *policy, unsigned int rule, struct bg_rule *twin);

#endif
