// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "oracle.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool oracle_counts_as_v4(const struct oracle_addr *addr)
{
	return !addr->is_v6 || !memcmp(addr->bytes, mapped_prefix, sizeof(mapped_prefix));
}

struct oracle_addr oracle_mapped(const struct oracle_addr *v4)
{
	struct oracle_addr addr = { .is_v6 = true };

	memcpy(addr.bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(addr.bytes + 12, v4->bytes, 4);
	return addr;
}

static bool bit(const uint8_t *bytes, unsigned int n)
{
	return bytes[n / 8] & (0x80 >> n % 8);
}

static bool addr_matches(const struct oracle_rule *rule, const struct oracle_addr *asked)
{
	bool v4 = oracle_counts_as_v4(asked);
	const uint8_t *bytes = v4 && asked->is_v6 ? asked->bytes + 12 : asked->bytes;

	if (rule->addr.is_v6 == v4)
		return false;
	for (unsigned int i = 0; i < rule->prefix; i++)
		if (bit(bytes, i) != bit(rule->addr.bytes, i))
			return false;
	return true;
}

static bool rule_matches(const struct oracle_rule *rule, const struct oracle_bind *bind)
{
	if (bind->port < rule->first || bind->port > rule->last)
		return false;
	if (bind->protocol == ORACLE_TCP ? !rule->tcp : bind->protocol == ORACLE_UDP ? !rule->udp : true)
		return false;
	if (rule->has_uid && rule->uid != bind->uid)
		return false;
	if (rule->has_gid && rule->gid != bind->gid)
		return false;
	if (rule->ends && bind->now >= rule->ends)
		return false;
	if (rule->has_addr && !addr_matches(rule, &bind->addr))
		return false;
	if (rule->verdict == ORACLE_REWRITE && rule->has_target &&
	    rule->target.is_v6 == oracle_counts_as_v4(&bind->addr))
		return false;
	return true;
}

struct oracle_answer oracle_ask(const struct oracle_policy *policy, const struct oracle_bind *bind)
{
	struct oracle_answer answer = { .addr = bind->addr, .port = bind->port };

	if (policy->host_only && bind->foreign_netns) {
		answer.verdict = ORACLE_PASS;
		answer.rule = ORACLE_UNASKED;
		return answer;
	}
	for (unsigned int i = 0; i < policy->count; i++) {
		const struct oracle_rule *rule = &policy->rules[i];

		if (!rule_matches(rule, bind))
			continue;
		answer.verdict = rule->verdict;
		answer.rule = (int)i;
		if (rule->verdict == ORACLE_REWRITE) {
			answer.port = rule->to + (bind->port - rule->first);
			if (rule->has_target && rule->target.is_v6 == bind->addr.is_v6)
				answer.addr = rule->target;
			else if (rule->has_target)
				answer.addr = oracle_mapped(&rule->target);
		}
		return answer;
	}
	answer.verdict = policy->denies && bind->port > 0 ? ORACLE_DENY : ORACLE_PASS;
	answer.rule = bind->port > 0 ? ORACLE_DEFAULT : ORACLE_UNASKED;
	return answer;
}

bool oracle_is_local(const struct oracle_addr *addr)
{
	bool v4 = oracle_counts_as_v4(addr);
	const uint8_t *bytes = v4 && addr->is_v6 ? addr->bytes + 12 : addr->bytes;

	for (int i = 0; i < ORACLE_LOCAL; i++) {
		uint8_t local[16];

		inet_pton(v4 ? AF_INET : AF_INET6, v4 ? oracle_v4[i] : oracle_v6[i], local);
		if (!memcmp(bytes, local, v4 ? 4 : 16))
			return true;
	}
	return v4 && bytes[0] == 127;
}
