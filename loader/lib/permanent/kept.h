/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_KEPT_H
#define BINDGATE_KEPT_H

#include "permanent/replace.h"
#include "policy/policy.h"

/* The gates that bindgated keeps because a command asked for it: one file, which no person writes. */

#define BG_KEPT_CONFIG "/etc/bindgate/bindgate.yaml"
#define BG_KEPT_FILE "/etc/bindgate/bindgate.d/permanent.yaml"

/* Calls `each` for every gate in it; what it returns ends the round when it is not 0. No file: no gates. */
int bg_kept_each(int (*each)(const char *cgroup, const struct bg_policy *policy, void *arg), void *arg,
		 struct bg_error *error);

/* Puts the gate in, in the place of the one that the cgroup had; NULL takes it out. *undo is untouched where nothing was
 * to be changed. -EEXIST: another file declares that cgroup. */
int bg_kept_set(const char *cgroup, const struct bg_policy *policy, struct bg_replaced *undo,
		struct bg_error *error);

#endif
