// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/compile.h"
#include "policy/qualifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

static int pack(struct bg_portmap *map, const struct bg_rule *rule, struct bg_packed_rule *out)
{
	int addr = 0, target = 0;

	if (rule->flags & BG_RULE_ADDR)
		addr = bg_addr_intern(map->addrs, &map->addrs_count, &rule->addr);
	if (addr >= 0 && (rule->flags & BG_RULE_TARGET))
		target = bg_addr_intern(map->addrs, &map->addrs_count, &rule->target);
	if (addr < 0 || target < 0)
		return -E2BIG;
	*out = (struct bg_packed_rule){
		.verdict = rule->verdict & 3,
		.flags = rule->flags & 0x3fff,
		.prefix = rule->prefix,
		.addr = (__u8)addr,
		.target = (__u8)target,
		.first = rule->first,
		.last = rule->last,
		.to = rule->to,
		.uid = rule->uid,
		.gid = rule->gid,
		.deadline = rule->deadline,
		.seconds = rule->seconds,
	};
	return 0;
}

void bg_unpack(const struct bg_packed_rule *rule, __u8 slot, const struct bg_addr *addr,
	       const struct bg_addr *target, struct bg_rule *out)
{
	*out = (struct bg_rule){
		.verdict = rule->verdict,
		.flags = rule->flags,
		.prefix = rule->prefix,
		.slot = slot,
		.first = rule->first,
		.last = rule->last,
		.to = rule->to,
		.uid = rule->uid,
		.gid = rule->gid,
		.deadline = rule->deadline,
		.seconds = rule->seconds,
	};
	if (rule->flags & BG_RULE_ADDR)
		out->addr = *addr;
	if (rule->flags & BG_RULE_TARGET)
		out->target = *target;
}

static int by_port(const void *a, const void *b)
{
	return *(const unsigned int *)a < *(const unsigned int *)b ? -1 : 1;
}

/* What happens to a bind of the protocol (a flag) at a port; enum bg_entry. */
static __u16 entry_at(const struct bg_policy *policy, const __u8 *order, unsigned int protocol, unsigned int port)
{
	unsigned int slot =
		port ? policy->default_verdict == BG_DENY ? BG_SLOT_DENIED : BG_SLOT_PASSED : BG_SLOT_BYPASSED;
	unsigned int verdict = port ? policy->default_verdict : BG_PASS;

	for (unsigned int i = 0; i < policy->count; i++) {
		const struct bg_rule *rule = &policy->rules[i];

		if (!(rule->flags & protocol) || port < rule->first || rule->last < port)
			continue;
		if (!bg_rule_is_plain(rule))
			return (__u16)(i | BG_ENTRY_SCAN);
		slot = order[i];
		verdict = rule->verdict;
		break;
	}
	return (__u16)(slot | verdict << BG_ENTRY_VERDICT);
}

/* Where things lie in the leaves; what parts leaf N from the next is border N of those above. */
static __u16 *entries_of(struct bg_portmap *map, unsigned int segment)
{
	return map->leaves[segment / BG_LEAF_SEGMENTS].entries[segment % BG_LEAF_SEGMENTS];
}

static __u64 *border_of(struct bg_portmap *map, unsigned int border, unsigned int *shift)
{
	unsigned int leaf = border / BG_LEAF_SEGMENTS, at = border % BG_LEAF_SEGMENTS;
	unsigned int mid = leaf / (BG_MID_BORDERS + 1);
	__u64 *words = map->leaves[leaf].borders;

	if (at == BG_LEAF_BORDERS && map->depth > 1 && leaf % (BG_MID_BORDERS + 1) < BG_MID_BORDERS) {
		words = map->mids[mid];
		at = leaf % (BG_MID_BORDERS + 1);
	} else if (at == BG_LEAF_BORDERS) {
		words = map->root;
		at = map->depth > 1 ? mid : leaf;
	}
	*shift = at % BG_LANES * BG_LANE_BITS;
	return &words[at / BG_LANES];
}

static void fill_words(__u64 *words, int count)
{
	for (int i = 0; i < count; i++)
		words[i] = BG_LANE(BG_NO_BORDER);
}

static void clear_borders(struct bg_portmap *map)
{
	fill_words(map->root, BG_ROOT_WORDS);
	for (int mid = 0; mid < BG_MIDS; mid++)
		fill_words(map->mids[mid], BG_MID_WORDS);
	for (int leaf = 0; leaf < BG_LEAVES; leaf++)
		fill_words(map->leaves[leaf].borders, BG_LEAF_WORDS);
}

/* What the borders leave of segments: those that fare alike are one. Their number. */
static unsigned int merge(const struct bg_policy *policy, const __u8 *order, unsigned int *borders,
			  unsigned int count, __u16 (*entries)[BG_PROTOCOLS])
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < count; i++) {
		for (int p = 0; p < BG_PROTOCOLS; p++)
			entries[used][p] = entry_at(policy, order, 1U << p, borders[i]);
		if (used && !memcmp(entries[used], entries[used - 1], sizeof(*entries)))
			continue;
		borders[used++] = borders[i];
	}
	return used;
}

static void cut(const struct bg_policy *policy, struct bg_portmap *map)
{
	unsigned int borders[BG_BORDERS_MAX + 1] = { 0, 1 }, count = 2, leaves, shift;
	__u16 entries[BG_BORDERS_MAX + 1][BG_PROTOCOLS];

	for (unsigned int i = 0; i < policy->count; i++) {
		if (policy->rules[i].first > 0)
			borders[count++] = policy->rules[i].first;
		if (policy->rules[i].last < PORT_MAX)
			borders[count++] = policy->rules[i].last + 1U;
	}
	qsort(borders, count, sizeof(*borders), by_port);
	count = merge(policy, map->order, borders, count, entries);
	leaves = (count + BG_LEAF_SEGMENTS - 1) / BG_LEAF_SEGMENTS;
	map->depth = leaves == 1 ? 0 : leaves <= BG_ROOT_WORDS * BG_LANES + 1 ? 1 : 2;
	clear_borders(map);
	for (unsigned int s = 0; s < count; s++) {
		memcpy(entries_of(map, s), entries[s], sizeof(*entries));
		if (s)
			*border_of(map, s - 1, &shift) ^= (__u64)(BG_NO_BORDER ^ borders[s]) << shift;
	}
}

/* Each rule's slot, in order. Where two have the same, the policy was never installed: then they are numbered. */
static void number(const struct bg_policy *policy, __u8 order[BG_RULES_MAX])
{
	bool taken[BG_RULES_MAX] = { false }, twice = false;

	for (unsigned int i = 0; i < policy->count; i++) {
		order[i] = policy->rules[i].slot;
		twice |= taken[order[i]];
		taken[order[i]] = true;
	}
	for (unsigned int i = 0; twice && i < policy->count; i++)
		order[i] = (__u8)i;
}

int bg_compile(const struct bg_policy *policy, struct bg_portmap *out, struct bg_error *error)
{
	struct bg_portmap map = {
		.abi = BG_ABI,
		.default_verdict = policy->default_verdict,
		.netns = policy->netns,
		.audit = policy->audit,
		.inputs = policy->netns == BG_NETNS_HOST ? BG_INPUT_NETNS : 0,
		.rules_count = (__u16)policy->count,
	};

	number(policy, map.order);
	for (unsigned int i = 0; i < policy->count; i++) {
		const struct bg_rule *rule = &policy->rules[i];

		if (pack(&map, rule, &map.rules[map.order[i]]))
			return bg_error(
				error, -E2BIG,
				"the rules name more than %d different addresses, the most that one gate holds: "
				"use address prefixes (10.0.0.0/8:80) or fewer rules",
				BG_ADDRS_MAX);
		if ((rule->flags & BG_RULE_ADDR) || (rule->flags & BG_RULE_FAMILIES) != BG_RULE_FAMILIES)
			map.inputs |= BG_INPUT_ADDR;
		for (int k = 0; k < BG_QUALIFIERS; k++)
			if (bg_qualifier_has(&bg_qualifiers[k], rule))
				map.inputs |= bg_qualifiers[k].input;
	}
	cut(policy, &map);
	memcpy(map.owner, policy->owner, sizeof(map.owner));
	memcpy(map.label, policy->label, sizeof(map.label));
	*out = map;
	return 0;
}

/* deny:0, and no more than that. */
static bool rule_is_for_zero(const struct bg_packed_rule *rule)
{
	return rule->last == 0 && rule->verdict == BG_DENY &&
	       !(rule->flags & ~BG_RULE_PROTOCOLS & ~BG_RULE_FAMILIES);
}

static bool rule_is_sound(const struct bg_portmap *map, const struct bg_packed_rule *rule)
{
	bool rewrites = rule->verdict == BG_REWRITE;

	return (rule->flags & BG_RULE_PROTOCOLS) && (rule->flags & BG_RULE_FAMILIES) && rule->prefix <= 128 &&
	       rule->first <= rule->last && (rule->first > 0 || rule_is_for_zero(rule)) &&
	       !(rule->flags & BG_RULE_FOR) == !rule->seconds && (!rule->deadline || rule->seconds) &&
	       (rewrites ? rule->to > 0 && rule->to + (rule->last - rule->first) <= PORT_MAX : rule->to == 0) &&
	       (!(rule->flags & BG_RULE_ADDR) || rule->addr < map->addrs_count) &&
	       (!(rule->flags & BG_RULE_TARGET) || (rewrites && rule->target < map->addrs_count));
}

static int unpack_all(const struct bg_portmap *map, struct bg_policy *out)
{
	if (map->abi != BG_ABI || (map->default_verdict != BG_PASS && map->default_verdict != BG_DENY) ||
	    map->netns > BG_NETNS_HOST || map->audit > 1 || map->rules_count > BG_RULES_MAX ||
	    map->addrs_count > BG_ADDRS_MAX)
		return -EBADMSG;
	for (unsigned int i = 0; i < map->rules_count; i++) {
		const struct bg_packed_rule *rule = &map->rules[map->order[i]];

		if (!rule_is_sound(map, rule))
			return -EBADMSG;
		bg_unpack(rule, map->order[i], &map->addrs[rule->addr % BG_ADDRS_MAX],
			  &map->addrs[rule->target % BG_ADDRS_MAX], &out->rules[i]);
	}
	out->count = map->rules_count;
	out->default_verdict = map->default_verdict;
	out->netns = map->netns;
	out->audit = map->audit;
	if (strnlen(map->owner, BG_OWNER_MAX) == BG_OWNER_MAX ||
	    strnlen(map->label, BG_LABEL_MAX) == BG_LABEL_MAX || bg_policy_set_owner(out, map->owner, NULL) ||
	    bg_policy_set_label(out, map->label, NULL))
		return -EBADMSG;
	return 0;
}

int bg_decompile(const struct bg_portmap *map, struct bg_policy *out, struct bg_error *error)
{
	struct bg_policy policy = { 0 };
	struct bg_portmap again;
	int err = unpack_all(map, &policy);

	/* A sound map is what its own rules compile to. The part that only user space reads may be anything. */
	if (!err && !bg_compile(&policy, &again, NULL)) {
		again.cgroup = map->cgroup;
		again.counter = map->counter;
		if (!memcmp(map, &again, offsetof(struct bg_portmap, counted))) {
			*out = policy;
			return 0;
		}
	}
	return bg_error(error, -EBADMSG,
			"the port map was not written by this bindgate: it has been changed by hand");
}

/* Where a segment begins; past all ports where there is none. */
static unsigned int begin_of(const struct bg_portmap *map, unsigned int segment)
{
	unsigned int shift, begin;

	if (segment == 0)
		return 0;
	if (segment > (map->depth ? BG_BORDERS_MAX : BG_LEAF_BORDERS))
		return PORT_MAX + 1;
	begin = *border_of((struct bg_portmap *)map, segment - 1, &shift) >> shift & BG_NO_BORDER;
	return begin <= PORT_MAX ? begin : PORT_MAX + 1;
}

/* The rule's place in the order, or -1. */
static int first_of(const struct bg_portmap *map, __u16 entry)
{
	unsigned int slot = entry & BG_ENTRY_SLOT;

	if (entry & BG_ENTRY_SCAN)
		return slot < map->rules_count && slot < BG_RULES_MAX ? (int)slot : -1;
	for (int i = 0; i < map->rules_count && i < BG_RULES_MAX; i++)
		if (map->order[i] == slot)
			return i;
	return -1;
}

void bg_map_ranges(const struct bg_portmap *map, void (*each)(const struct bg_map_range *range, void *arg),
		   void *arg)
{
	for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++) {
		__u16 entry = entries_of((struct bg_portmap *)map, 0)[protocol];

		for (unsigned int s = 1, first = 0, next = 0; next <= PORT_MAX; s++) {
			next = begin_of(map, s);
			if (next <= PORT_MAX && entries_of((struct bg_portmap *)map, s)[protocol] == entry)
				continue;
			if ((entry & BG_ENTRY_SLOT) != BG_SLOT_BYPASSED)
				each(
					&(struct bg_map_range){
						.protocol = protocol,
						.first = (__u16)first,
						.last = (__u16)(next - 1),
						.rule = first_of(map, entry),
						.decides = !(entry & BG_ENTRY_SCAN),
					},
					arg);
			first = next;
			if (next <= PORT_MAX)
				entry = entries_of((struct bg_portmap *)map, s)[protocol];
		}
	}
}
