// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/counters.h"
#include "base/clock.h"

#include <stdint.h>
#include <string.h>

/* The rule of `before` that has the same text as `rule`. Each is taken once: two equal rules have two counters. */
static const struct bg_rule *find_same(const struct bg_policy *before, const struct bg_rule *rule, bool *taken)
{
	for (unsigned int i = 0; i < before->count; i++) {
		if (taken[i] || !bg_rule_same(&before->rules[i], rule))
			continue;
		taken[i] = true;
		return &before->rules[i];
	}
	return NULL;
}

static __u8 counts_as(const struct bg_counted *counted, unsigned int slot)
{
	return counted->counts_as[slot / 4] >> slot % 4 * 2 & 3;
}

static void count_as(struct bg_counted *counted, unsigned int slot, __u8 verdict)
{
	__u8 *four = &counted->counts_as[slot / 4];

	*four = (__u8)((*four & ~(3 << slot % 4 * 2)) | verdict << slot % 4 * 2);
}

enum {
	FREE,
	LEAVING, /* its rule goes with this swap; a bind that is under way may still count there */
	USED,
};

/* A slot for a new rule: one that was never used, or else the one that costs least. */
static int choose(const __u8 *state, const struct bg_counts *counts)
{
	int best = -1;

	for (int slot = 0; slot < BG_RULES_MAX; slot++) {
		if (state[slot] == USED)
			continue;
		if (state[slot] == FREE && counts->hits[slot] == 0)
			return slot;
		if (best < 0 || state[slot] < state[best] ||
		    (state[slot] == state[best] && counts->hits[slot] < counts->hits[best]))
			best = slot;
	}
	return best;
}

void bg_counters_carry(const struct bg_counted *before, const struct bg_policy *before_policy,
		       const struct bg_counts *counts, bool keep_expired, __u32 now, struct bg_policy *policy,
		       struct bg_counted *counted)
{
	__u8 state[BG_RULES_MAX] = { FREE };
	bool taken[BG_RULES_MAX] = { false }, is_new[BG_RULES_MAX] = { false };

	*counted = *before;
	for (unsigned int i = 0; i < before_policy->count; i++)
		state[before_policy->rules[i].slot] = LEAVING;
	for (unsigned int i = 0; i < policy->count; i++) {
		struct bg_rule *rule = &policy->rules[i];
		const struct bg_rule *same = find_same(before_policy, rule, taken);

		is_new[i] = !same;
		rule->slot = same ? same->slot : 0;
		rule->deadline = 0;
		if (same && same->deadline && (keep_expired || same->deadline > now))
			rule->deadline = same->deadline;
		else if (rule->seconds)
			rule->deadline = bg_clock_ticks_in(rule->seconds);
		if (same)
			state[rule->slot] = USED;
	}
	for (unsigned int i = 0; i < policy->count; i++) {
		struct bg_rule *rule = &policy->rules[i];
		int slot;

		if (!is_new[i])
			continue;
		slot = choose(state, counts);
		rule->slot = (__u8)slot;
		state[slot] = USED;
		counted->retired[counts_as(counted, (unsigned int)slot)] +=
			bg_counters_hits(counted, counts, rule->slot);
		counted->base[slot] = counts->hits[slot] < UINT32_MAX ? (__u32)counts->hits[slot] : UINT32_MAX;
		count_as(counted, (unsigned int)slot, rule->verdict);
	}
}

__u64 bg_counters_hits(const struct bg_counted *counted, const struct bg_counts *counts, __u8 slot)
{
	/* less only where somebody took the counters away */
	return counts->hits[slot] > counted->base[slot] ? counts->hits[slot] - counted->base[slot] : 0;
}

void bg_counters_totals(const struct bg_counted *counted, const struct bg_counts *counts,
			__u64 verdicts[BG_VERDICTS])
{
	memcpy(verdicts, counted->retired, sizeof(counted->retired));
	for (unsigned int slot = 0; slot < BG_RULES_MAX; slot++)
		verdicts[counts_as(counted, slot)] += bg_counters_hits(counted, counts, (__u8)slot);
	verdicts[BG_PASS] += counts->hits[BG_SLOT_PASSED] + counts->hits[BG_SLOT_BYPASSED];
	verdicts[BG_DENY] += counts->hits[BG_SLOT_DENIED];
}
