/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_DECIDE_H
#define BINDGATE_DECIDE_H

#include <bindgate/portmap.h>
#include <bindgate/request.h>

/*
 * The one place where a verdict is reached; compiled into the BPF programs and into user space.
 *
 * In the kernel the rule scan and the match are global functions: the verifier then checks each once, for any
 * arguments, whereas inlined it would walk every path through a match, 256 times. To the verifier their pointers may be NULL.
 */
#ifdef __bpf__
#define BG_CHECKED_ONCE __attribute__((noinline))
#define BG_INLINE static inline __attribute__((always_inline))
#else
#define BG_CHECKED_ONCE static inline
#define BG_INLINE static inline
#endif

/* Hides a value's range from the compiler. Otherwise it proves a bounds check needless and drops it, and the verifier,
 * which cannot follow that proof, refuses the program. */
#define BG_FORGET_RANGE(value) __asm__ volatile("" : "+r"(value))

/* Do the leading `prefix` (0 to 128) bits of both agree? */
BG_INLINE bool bg_addr_within(const struct bg_addr *addr, const struct bg_addr *net, __u8 prefix)
{
	if (prefix == 0)
		return true;
	if (prefix <= 64)
		return (addr->hi ^ net->hi) >> (64 - prefix) == 0;
	return addr->hi == net->hi && (addr->lo ^ net->lo) >> ((128 - prefix) & 63) == 0;
}

/* Does the rule match the request? The rule's address, where it has one, is `net`. */
BG_CHECKED_ONCE int bg_match(const struct bg_packed_rule *rule, const struct bg_addr *net,
			     const struct bg_request *request)
{
	if (!rule || !net || !request)
		return 0;
	if (request->port < rule->first || request->port > rule->last)
		return 0;
	if ((rule->flags & request->kind) != request->kind)
		return 0;
	if (rule->deadline && request->now >= rule->deadline)
		return 0;
	if ((rule->flags & BG_RULE_UID) && request->uid != rule->uid)
		return 0;
	if ((rule->flags & BG_RULE_GID) && request->gid != rule->gid)
		return 0;
	if (rule->flags & BG_RULE_ADDR)
		return bg_addr_within(&request->addr, net, rule->prefix);
	return 1;
}

/* The slot of the first rule from a place in their order on that matches, or BG_RULES_MAX. */
BG_CHECKED_ONCE int bg_scan(const struct bg_portmap *map, const struct bg_request *request, __u32 place)
{
	if (!map || !request)
		return BG_RULES_MAX;
	for (__u32 i = 0; i < BG_RULES_MAX; i++, place++) {
		__u32 at = place;
		BG_FORGET_RANGE(at);
		if (at >= BG_RULES_MAX || at >= map->rules_count)
			return BG_RULES_MAX;
		const struct bg_packed_rule *rule = &map->rules[map->order[at]];
		__u32 addr = rule->addr;
		if (addr >= BG_ADDRS_MAX)
			return BG_RULES_MAX;
		if (bg_match(rule, &map->addrs[addr], request))
			return map->order[at];
	}
	return BG_RULES_MAX;
}

/*
 * How many of the borders in these words are not above the port. No branch, so that the verifier walks it once and the
 * CPU guesses nothing: bit 17 of a lane outlives the subtraction where the border is not above, and the sum has its bits
 * from there on.
 */
#define BG_LANE_BIT BG_LANE(1 << 17)
#define BG_PASSED(word) ((from - (word)) & BG_LANE_BIT)
#define BG_PASSED_2(words) bg_lane_sum(BG_PASSED((words)[0]) + BG_PASSED((words)[1]))
#define BG_PASSED_3(words) bg_lane_sum(BG_PASSED((words)[0]) + BG_PASSED((words)[1]) + BG_PASSED((words)[2]))

BG_INLINE __u32 bg_lane_sum(__u64 lanes)
{
	lanes >>= 17;
	return (lanes + (lanes >> BG_LANE_BITS) + (lanes >> 2 * BG_LANE_BITS)) & 15;
}

/* The entry of a port. */
BG_INLINE __u32 bg_entry_of(const struct bg_portmap *map, __u16 port, __u32 protocol)
{
	const __u64 from = BG_LANE(port) | BG_LANE_BIT;
	__u32 leaf = 0;

	if (map->depth > 0)
		leaf = BG_PASSED_3(map->root);
	if (map->depth > 1) {
		__u32 mid = leaf;

		BG_FORGET_RANGE(mid);
		if (mid >= BG_MIDS)
			mid = 0;
		leaf = mid * (BG_MID_BORDERS + 1) + BG_PASSED_2(map->mids[mid]);
	}
	BG_FORGET_RANGE(leaf);
	if (leaf >= BG_LEAVES)
		leaf = 0;

	__u32 segment = BG_PASSED_3(map->leaves[leaf].borders);

	BG_FORGET_RANGE(segment);
	if (segment >= BG_LEAF_SEGMENTS)
		segment = 0;
	return map->leaves[leaf].entries[segment][protocol];
}

/* What the default has for a port. */
BG_INLINE struct bg_answer bg_default(const struct bg_portmap *map, __u16 port)
{
	if (!port)
		return (struct bg_answer){ .slot = BG_SLOT_BYPASSED, .verdict = BG_PASS };
	if (map->default_verdict == BG_DENY)
		return (struct bg_answer){ .slot = BG_SLOT_DENIED, .verdict = BG_DENY };
	return (struct bg_answer){ .slot = BG_SLOT_PASSED, .verdict = BG_PASS };
}

/*
 * The answer that the policy in `map` gives. Of the request, port and protocol must be there; what else map->inputs
 * names is asked for through `fill`, once, and only where a rule or the netns option looks at it.
 */
BG_INLINE struct bg_answer bg_decide(const struct bg_portmap *map, __u16 port, __u8 protocol,
				     void (*fill)(struct bg_request *request, __u8 inputs, void *arg), void *arg)
{
	if (!map->abi)
		return bg_default(map, 0);
	if (map->netns == BG_NETNS_HOST) {
		struct bg_request request = { .port = port };

		fill(&request, BG_INPUT_NETNS, arg);
		if (request.foreign_netns)
			return bg_default(map, 0);
	}
	if (!protocol)
		return bg_default(map, port);

	__u32 entry = bg_entry_of(map, port, protocol == BG_RULE_UDP ? BG_UDP : BG_TCP);
	__u32 slot = entry & BG_ENTRY_SLOT;
	struct bg_answer answer = { .verdict = entry >> BG_ENTRY_VERDICT & 3 };

	if (entry & BG_ENTRY_SCAN) {
		struct bg_request request = { .port = port, .kind = protocol };

		fill(&request, map->inputs, arg);
		slot = (__u32)bg_scan(map, &request, slot);
		BG_FORGET_RANGE(slot);
		if (slot >= BG_RULES_MAX)
			return bg_default(map, port);
		answer.verdict = map->rules[slot].verdict;
	}
	answer.slot = (__u16)slot;
	if (answer.verdict != BG_REWRITE)
		return answer;
	BG_FORGET_RANGE(slot);
	if (slot >= BG_RULES_MAX) /* nobody compiled that */
		return bg_default(map, 0);

	const struct bg_packed_rule *rule = &map->rules[slot];

	answer.port = (__u16)(rule->to + (port - rule->first));
	answer.target = rule->target;
	answer.readdressed = rule->flags & BG_RULE_TARGET && answer.target < BG_ADDRS_MAX;
	return answer;
}

#endif
