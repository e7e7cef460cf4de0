// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A policy of any text: a line of options, then a rule a line. What decide.h makes of its port map, the oracle makes of
 * the rules one by one; and what the oracle writes of a rule, in any of the ways to write it, parses to that rule. */
#include "policy/compile.h"

#include "../oracle/request.h"
#include "fuzz.h"
#include "policy/parser.h"

#include <arpa/inet.h>
#include <bindgate/decide.h>

#define BINDS_A_RULE 12

static struct bg_policy ours, again;
static struct oracle_policy theirs;
static struct bg_portmap map;
static uint64_t seed;

static struct oracle_addr to_oracle(const struct bg_addr *addr)
{
	struct oracle_addr out = { .is_v6 = !bg_addr_is_ip4(addr) };
	char text[INET6_ADDRSTRLEN];

	HOLDS(inet_pton(out.is_v6 ? AF_INET6 : AF_INET, bg_addr_print(addr, text), out.bytes) == 1);
	return out;
}

static void translate(const struct bg_rule *rule, struct oracle_rule *out)
{
	static const enum oracle_verdict verdicts[] = { ORACLE_PASS, ORACLE_ALLOW, ORACLE_REWRITE, ORACLE_DENY };

	*out = (struct oracle_rule){
		.verdict = verdicts[rule->verdict],
		.first = rule->first,
		.last = rule->last,
		.tcp = rule->flags & BG_RULE_TCP,
		.udp = rule->flags & BG_RULE_UDP,
		.has_addr = rule->flags & BG_RULE_ADDR,
		.to = rule->to,
		.has_target = rule->flags & BG_RULE_TARGET,
		.has_uid = rule->flags & BG_RULE_UID,
		.has_gid = rule->flags & BG_RULE_GID,
		.uid = rule->uid,
		.gid = rule->gid,
		.seconds = rule->seconds,
		.ends = rule->deadline,
	};
	if (out->has_addr)
		out->addr = to_oracle(&rule->addr);
	if (out->has_addr)
		out->prefix = out->addr.is_v6 ? rule->prefix : rule->prefix - 96U;
	HOLDS(!out->has_addr || out->addr.is_v6 || rule->prefix >= 96);
	if (out->has_target)
		out->target = to_oracle(&rule->target);
}

static void check_text(const struct bg_rule *rule, const struct oracle_rule *told)
{
	char text[ORACLE_TEXT_MAX];
	struct bg_rule parsed;

	HOLDS(!bg_rule_parse(oracle_print(&seed, told, text), &parsed, NULL));
	HOLDS(bg_rule_same(rule, &parsed));
}

static void compare(struct oracle_bind *bind)
{
	static const __u8 kinds[] = { [ORACLE_TCP] = BG_RULE_TCP, [ORACLE_UDP] = BG_RULE_UDP, [ORACLE_OTHER] = 0 };
	struct bg_answer got = bg_decide(&map, (__u16)bind->port, kinds[bind->protocol], oracle_fill, bind);
	struct oracle_answer want = oracle_ask(&theirs, bind);
	struct bg_addr given = oracle_addr_of(&want.addr), asked = oracle_addr_of(&bind->addr);

	HOLDS(got.verdict == (__u8)want.verdict);
	HOLDS(got.slot == (want.rule == ORACLE_UNASKED   ? BG_SLOT_BYPASSED
			   : want.rule == ORACLE_DEFAULT ? (theirs.denies ? BG_SLOT_DENIED : BG_SLOT_PASSED)
							 : (__u8)(want.rule * 7)));
	HOLDS(want.verdict != ORACLE_REWRITE || got.port == want.port);
	if (got.readdressed)
		asked = map.addrs[got.target];
	HOLDS(!memcmp(&asked, &given, sizeof(given)));
}

static unsigned int one_of(unsigned int a, unsigned int b, unsigned int c, unsigned int d)
{
	return (const unsigned int[]){ a, b, c, d }[oracle_below(&seed, 4)];
}

/* About a rule: at its edges, by its users, to its address or one that differs from it in a bit. */
static void make_bind(const struct oracle_rule *rule, struct oracle_bind *out)
{
	bool near = rule->has_addr && oracle_chance(&seed, 80);

	oracle_make_bind(&seed, &theirs, out);
	out->port = one_of(rule->first - 1, rule->first, rule->last, rule->last + 1) & 0xffff;
	if (rule->has_uid)
		out->uid = oracle_chance(&seed, 80) ? rule->uid : rule->uid ^ 1;
	if (rule->has_gid)
		out->gid = oracle_chance(&seed, 80) ? rule->gid : rule->gid ^ 1;
	if (near) {
		unsigned int bit = oracle_below(&seed, rule->addr.is_v6 ? 128 : 32);

		out->addr = rule->addr;
		if (oracle_chance(&seed, 60))
			out->addr.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		if (!rule->addr.is_v6 && oracle_chance(&seed, 30))
			out->addr = oracle_mapped(&out->addr);
	}
	if (rule->ends)
		out->now = rule->ends - oracle_below(&seed, 2);
}

static void read_policy(char *text)
{
	char *line = strsep(&text, "\n");

	ours.count = 0;
	ours.default_verdict = strchr(line, 'd') ? BG_DENY : BG_PASS;
	ours.netns = strchr(line, 'h') ? BG_NETNS_HOST : BG_NETNS_ANY;
	theirs.denies = ours.default_verdict == BG_DENY;
	theirs.host_only = ours.netns == BG_NETNS_HOST;
	while ((line = strsep(&text, "\n"))) {
		struct bg_rule *rule = &ours.rules[ours.count];

		if (bg_policy_add(&ours, line, NULL))
			continue;
		rule->deadline = rule->seconds ? 1 + rule->seconds % 100 : 0;
		rule->slot = (__u8)((ours.count - 1) * 7);
		translate(rule, &theirs.rules[ours.count - 1]);
	}
	theirs.count = ours.count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	struct oracle_bind bind;

	read_policy(text);
	free(text);
	seed = size;
	for (unsigned int i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	HOLDS(!bg_compile(&ours, &map, NULL) && !bg_decompile(&map, &again, NULL));
	HOLDS(bg_policy_same(&ours, &again));
	for (unsigned int i = 0; i < ours.count; i++)
		HOLDS(again.rules[i].deadline == ours.rules[i].deadline &&
		      again.rules[i].slot == ours.rules[i].slot);
	for (unsigned int i = 0; i < ours.count; i++) {
		int by = bg_policy_covered_by(&ours, i);

		check_text(&ours.rules[i], &theirs.rules[i]);
		for (int k = 0; k < BINDS_A_RULE; k++) {
			make_bind(&theirs.rules[i], &bind);
			compare(&bind);
			HOLDS(by < 0 || oracle_ask(&theirs, &bind).rule != (int)i);
		}
	}
	oracle_make_bind(&seed, &theirs, &bind);
	compare(&bind);
	return 0;
}
