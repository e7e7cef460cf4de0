// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/counters.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

static __u64 boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

__u32 bg_ticks_now(void)
{
	return (__u32)(boot_ns() >> BG_TICK_SHIFT);
}

/* Rounded up: a rule lives at least as long as it says. */
static __u32 deadline_in(__u32 seconds)
{
	__u64 ticks = ((boot_ns() + (__u64)seconds * 1000000000) >> BG_TICK_SHIFT) + 1;

	return ticks < UINT32_MAX ? (__u32)ticks : UINT32_MAX;
}

/* The rule of `before` that `rule` continues; each continues once. */
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

enum {
	FREE,
	LEAVING, /* its rule goes with this swap: binds under way may still count there */
	USED,
};

/* A slot for a new rule: one that nothing has counted in, else the least bad. */
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

void bg_counters_carry(const struct bg_portmap *before, const struct bg_policy *before_policy,
		       const struct bg_counts *counts, bool keep_expired, __u32 now, struct bg_policy *policy,
		       struct bg_portmap *map)
{
	__u8 state[BG_RULES_MAX] = { FREE };
	bool taken[BG_RULES_MAX] = { false }, is_new[BG_RULES_MAX] = { false };

	memcpy(map->retired, before->retired, sizeof(map->retired));
	memcpy(map->base, before->base, sizeof(map->base));
	memcpy(map->counts_as, before->counts_as, sizeof(map->counts_as));

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
			rule->deadline = deadline_in(rule->seconds);
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
		map->retired[map->counts_as[slot] % BG_VERDICTS] += bg_counters_hits(map, counts, rule->slot);
		map->base[slot] = counts->hits[slot] < UINT32_MAX ? (__u32)counts->hits[slot] : UINT32_MAX;
		map->counts_as[slot] = rule->verdict;
	}
}

__u64 bg_counters_hits(const struct bg_portmap *map, const struct bg_counts *counts, __u8 slot)
{
	return counts->hits[slot] - map->base[slot];
}

void bg_counters_totals(const struct bg_portmap *map, const struct bg_counts *counts, __u64 verdicts[BG_VERDICTS])
{
	memcpy(verdicts, map->retired, sizeof(map->retired));
	for (int slot = 0; slot < BG_RULES_MAX; slot++)
		verdicts[map->counts_as[slot] % BG_VERDICTS] += bg_counters_hits(map, counts, (__u8)slot);
	verdicts[BG_PASS] += counts->hits[BG_SLOT_PASSED] + counts->hits[BG_SLOT_BYPASSED];
	verdicts[BG_DENY] += counts->hits[BG_SLOT_DENIED];
}
