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
		.verdict = rule->verdict,
		.flags = rule->flags,
		.prefix = rule->prefix,
		.addr = (__u8)addr,
		.target = (__u8)target,
		.slot = rule->slot,
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

void bg_unpack(const struct bg_packed_rule *rule, const struct bg_addr *addr, const struct bg_addr *target,
	       struct bg_rule *out)
{
	*out = (struct bg_rule){
		.verdict = rule->verdict,
		.flags = rule->flags,
		.prefix = rule->prefix,
		.slot = rule->slot,
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

/* What happens at a port, in the form of bg_segments.rule. */
static __u16 entry_at(const struct bg_policy *policy, __u8 protocol, unsigned int port)
{
	for (unsigned int i = 0; i < policy->count; i++) {
		const struct bg_rule *rule = &policy->rules[i];

		if ((rule->flags & protocol) && rule->first <= port && port <= rule->last)
			return (__u16)(i << 1 | bg_rule_is_plain(rule));
	}
	return BG_DEFAULT << 1 | 1;
}

static void cut(const struct bg_policy *policy, __u8 protocol, struct bg_segments *out)
{
	unsigned int borders[2 * BG_RULES_MAX], count = 0, used = 0;

	for (unsigned int i = 0; i < policy->count; i++) {
		const struct bg_rule *rule = &policy->rules[i];

		if (!(rule->flags & protocol))
			continue;
		borders[count++] = rule->first;
		if (rule->last < PORT_MAX)
			borders[count++] = rule->last + 1U;
	}
	/* cppcheck-suppress uninitvar ; with a count of 0 none is read */
	qsort(borders, count, sizeof(*borders), by_port);

	out->rule[0] = entry_at(policy, protocol, 1);
	for (unsigned int i = 0; i < count; i++) {
		__u16 entry = entry_at(policy, protocol, borders[i]);

		if (entry == out->rule[used])
			continue;
		out->start[used++] = (__u16)borders[i];
		out->rule[used] = entry;
	}
	for (unsigned int i = used; i < BG_SEGMENTS_MAX; i++) {
		out->start[i] = used ? out->start[used - 1] : 0;
		out->rule[i + 1] = out->rule[used];
	}
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

	for (unsigned int i = 0; i < policy->count; i++) {
		const struct bg_rule *rule = &policy->rules[i];

		if (pack(&map, rule, &map.rules[i]))
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
	for (int protocol = 0; protocol < BG_PROTOCOLS; protocol++)
		cut(policy, (__u8)(1 << protocol), &map.segments[protocol]);
	memcpy(map.owner, policy->owner, sizeof(map.owner));
	memcpy(map.label, policy->label, sizeof(map.label));
	*out = map;
	return 0;
}

static bool rule_is_sound(const struct bg_portmap *map, const struct bg_packed_rule *rule)
{
	bool rewrites = rule->verdict == BG_REWRITE;

	return rule->verdict < BG_VERDICTS && (rule->flags & BG_RULE_PROTOCOLS) &&
	       (rule->flags & BG_RULE_FAMILIES) && rule->prefix <= 128 && rule->first > 0 &&
	       rule->first <= rule->last && (!rule->deadline || rule->seconds) &&
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
		const struct bg_packed_rule *rule = &map->rules[i];

		if (!rule_is_sound(map, rule))
			return -EBADMSG;
		bg_unpack(rule, &map->addrs[rule->addr % BG_ADDRS_MAX], &map->addrs[rule->target % BG_ADDRS_MAX],
			  &out->rules[i]);
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
		if (!memcmp(map, &again, offsetof(struct bg_portmap, counted))) {
			*out = policy;
			return 0;
		}
	}
	return bg_error(error, -EBADMSG,
			"the port map was not written by this bindgate: it has been changed by hand");
}

void bg_map_ranges(const struct bg_portmap *map, void (*each)(const struct bg_map_range *range, void *arg),
		   void *arg)
{
	for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++) {
		const struct bg_segments *segments = &map->segments[protocol];

		for (int s = 0; s <= BG_SEGMENTS_MAX; s++) {
			int first = s > 0 ? segments->start[s - 1] : 1;
			int last = s < BG_SEGMENTS_MAX ? segments->start[s] - 1 : PORT_MAX;
			int rule = segments->rule[s] >> 1;

			if (first == 0)
				first = 1;
			if (first > last)
				continue;
			each(
				&(struct bg_map_range){
					.protocol = protocol,
					.first = (__u16)first,
					.last = (__u16)last,
					.rule = rule < map->rules_count && rule < BG_RULES_MAX ? rule : BG_DEFAULT,
					.decides = segments->rule[s] & 1,
				},
				arg);
		}
	}
}
