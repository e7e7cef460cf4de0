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

/* The index of the first rule from `index` on that matches, or BG_DEFAULT. */
BG_CHECKED_ONCE int bg_scan(const struct bg_portmap *map, const struct bg_request *request, __u32 index)
{
	if (!map || !request)
		return BG_DEFAULT;
	for (__u32 i = 0; i < BG_RULES_MAX; i++, index++) {
		__u32 at = index;
		BG_FORGET_RANGE(at);
		if (at >= BG_RULES_MAX || at >= map->rules_count)
			return BG_DEFAULT;
		__u32 addr = map->rules[at].addr;
		if (addr >= BG_ADDRS_MAX)
			return BG_DEFAULT;
		if (bg_match(&map->rules[at], &map->addrs[addr], request))
			return (int)at;
	}
	return BG_DEFAULT;
}

/* 1 where the border is below `above`, else 0. Without a branch: the top bit of their difference. */
BG_INLINE __u32 bg_below(__u16 border, __u32 above)
{
	__u32 difference = border - above;

	BG_FORGET_RANGE(difference); /* otherwise clang turns it into a branch */
	return difference >> 31;
}

/*
 * The segment that a port is in, 0 to BG_SEGMENTS_MAX: how many borders are not above it. Each step cuts what is left
 * in four by three probes that do not wait for each other; halving it ten times took twice as long. No branch, so that
 * the verifier walks it once and the CPU guesses nothing.
 */
BG_INLINE __u32 bg_segment(const struct bg_segments *segments, __u16 port)
{
	const __u32 above = port + 1U;
	__u32 at = 0;

#define BG_QUARTER(shift)                                                                                        \
	do {                                                                                                     \
		const __u16 *start = segments->start + at;                                                       \
		at += (bg_below(start[(1 << (shift)) - 1], above) + bg_below(start[(2 << (shift)) - 1], above) + \
		       bg_below(start[(3 << (shift)) - 1], above))                                               \
		      << (shift);                                                                                \
	} while (0)
	BG_QUARTER(7);
	BG_QUARTER(5);
	BG_QUARTER(3);
	BG_QUARTER(1);
#undef BG_QUARTER
	return at + bg_below(segments->start[at], above) + bg_below(segments->start[at + 1], above);
}

/* The answer for a bind that rule `index` decides, or the default. */
BG_INLINE struct bg_answer bg_answer(const struct bg_portmap *map, __u16 port, __u32 index)
{
	struct bg_answer answer = { .rule = BG_DEFAULT, .verdict = map->default_verdict };

	BG_FORGET_RANGE(index);
	if (index >= BG_RULES_MAX) {
		answer.slot = answer.verdict == BG_DENY ? BG_SLOT_DENIED : BG_SLOT_PASSED;
		return answer;
	}

	const struct bg_packed_rule *rule = &map->rules[index];
	answer.verdict = rule->verdict;
	answer.rule = (__u16)index;
	answer.slot = rule->slot;
	if (answer.verdict == BG_REWRITE) {
		__u32 target = rule->target;

		answer.port = (__u16)(rule->to + (port - rule->first));
		BG_FORGET_RANGE(target);
		if ((rule->flags & BG_RULE_TARGET) && target < BG_ADDRS_MAX) {
			answer.readdressed = 1;
			answer.target = (__u8)target;
		}
	}
	return answer;
}

/*
 * The answer that the policy in `map` gives. Of the request, port and protocol must be there; what else map->inputs
 * names is asked for through `fill`, once, and only where a rule or the netns option looks at it.
 */
BG_INLINE struct bg_answer bg_decide(const struct bg_portmap *map, __u16 port, __u8 protocol,
				     void (*fill)(struct bg_request *request, __u8 inputs, void *arg), void *arg)
{
	const struct bg_answer bypassed = { .rule = BG_BYPASSED, .slot = BG_SLOT_BYPASSED, .verdict = BG_PASS };

	/* Port 0 asks for any free port: libc and Go probe with it. */
	if (!map->abi || port == 0)
		return bypassed;
	if (map->netns == BG_NETNS_HOST) {
		struct bg_request request = { .port = port };

		fill(&request, BG_INPUT_NETNS, arg);
		if (request.foreign_netns)
			return bypassed;
	}
	if (!protocol)
		return bg_answer(map, port, BG_DEFAULT);

	const struct bg_segments *segments = &map->segments[protocol == BG_RULE_UDP ? BG_UDP : BG_TCP];
	__u32 segment = bg_segment(segments, port);

	BG_FORGET_RANGE(segment);
	if (segment > BG_SEGMENTS_MAX)
		return bypassed;

	__u32 entry = segments->rule[segment], index = entry >> 1;

	if (!(entry & 1)) {
		struct bg_request request = { .port = port, .kind = protocol };

		fill(&request, map->inputs, arg);
		index = (__u32)bg_scan(map, &request, index);
	}
	return bg_answer(map, port, index);
}

#endif
