/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_COUNTERS_H
#define BINDGATE_COUNTERS_H

#include "policy/policy.h"

/*
 * Who counts where. The kernel's counters only grow and are never written by user space while a
 * gate stands, so that no count is lost. A rule that stays in a policy keeps its slot; a new one gets a free slot,
 * whose count so far becomes its base.
 */

/* Gives each rule of `policy` its slot and deadline, from what was installed before and from boot time `now` in
 * ticks, and enters it in `counted`, which is `before`'s carried on. Deadlines of rules that stay are
 * kept; expired ones too, with keep_expired, else they begin anew. */
void bg_counters_carry(const struct bg_counted *before, const struct bg_policy *before_policy,
		       const struct bg_counts *counts, bool keep_expired, __u32 now, struct bg_policy *policy,
		       struct bg_counted *counted);

/* Hits since the slot's rule came. */
__u64 bg_counters_hits(const struct bg_counted *counted, const struct bg_counts *counts, __u8 slot);

/* Binds by verdict since the gate came. */
void bg_counters_totals(const struct bg_counted *counted, const struct bg_counts *counts,
			__u64 verdicts[BG_VERDICTS]);

#endif
