// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All policies of up to three rules over a small domain, every bind of that domain: held against the oracle. Nothing is
 * drawn: what is wrong here is found. */
#include "policy/compile.h"
#include "policy/parser.h"

#include "../oracle/request.h"

#include <bindgate/decide.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RULES_MAX 64
#define PORTS 4 /* binds are to 0 to 3 */

static struct oracle_rule theirs[RULES_MAX];
static struct bg_rule ours[RULES_MAX];
static unsigned int count;

static void add(const struct oracle_rule *rule)
{
	char text[ORACLE_TEXT_MAX];
	struct bg_error error;
	uint64_t seed = count;

	assert_true(count < RULES_MAX);
	if (bg_rule_parse(oracle_print(&seed, rule, text), &ours[count], &error))
		fail_msg("%s: %s", text, error.text);
	theirs[count++] = *rule;
}

/* Two ports and their range; three verdicts; TCP or both; no more, or a user, or an address. And deny:0. */
static int make_rules(void **state)
{
	static const unsigned int ports[][2] = { { 1, 1 }, { 2, 2 }, { 1, 2 } };
	static const enum oracle_verdict verdicts[] = { ORACLE_ALLOW, ORACLE_REWRITE, ORACLE_DENY };

	(void)state;
	count = 0;
	for (unsigned int i = 0; i < 54; i++) {
		struct oracle_rule rule = { .verdict = verdicts[i / 3 % 3],
					    .first = ports[i % 3][0],
					    .last = ports[i % 3][1],
					    .tcp = true,
					    .udp = i / 9 % 2,
					    .has_uid = i / 18 == 1,
					    .has_addr = i / 18 == 2 };

		if (rule.verdict == ORACLE_REWRITE)
			rule.to = 7;
		if (rule.has_uid)
			rule.uid = 1000;
		if (rule.has_addr) {
			memcpy(rule.addr.bytes, "\x7f\0\0\1", 4);
			rule.prefix = 32;
		}
		add(&rule);
	}
	add(&(struct oracle_rule){ .verdict = ORACLE_DENY, .tcp = true });
	return 0;
}

static void compare(const struct bg_portmap *map, const struct oracle_policy *policy, struct oracle_bind *bind)
{
	struct bg_answer got =
		bg_decide(map, (__u16)bind->port, bind->protocol == ORACLE_TCP ? BG_RULE_TCP : BG_RULE_UDP,
			  oracle_fill, bind);
	struct oracle_answer want = oracle_ask(policy, bind);
	unsigned int slot = want.rule == ORACLE_UNASKED   ? BG_SLOT_BYPASSED
			    : want.rule != ORACLE_DEFAULT ? (unsigned int)want.rule
			    : policy->denies              ? BG_SLOT_DENIED
							  : BG_SLOT_PASSED;

	assert_int_equal(got.slot, slot);
	assert_int_equal(got.verdict, want.verdict);
	if (want.verdict == ORACLE_REWRITE)
		assert_int_equal(got.port, want.port);
}

static void check(const unsigned int *rules, unsigned int rules_count, bool denies)
{
	static struct oracle_policy policy;
	static struct bg_policy mine;
	static struct bg_portmap map;

	policy.denies = denies;
	policy.count = mine.count = rules_count;
	mine.default_verdict = denies ? BG_DENY : BG_PASS;
	for (unsigned int i = 0; i < rules_count; i++) {
		policy.rules[i] = theirs[rules[i]];
		mine.rules[i] = ours[rules[i]];
		mine.rules[i].slot = (__u8)i;
	}
	assert_int_equal(bg_compile(&mine, &map, NULL), 0);
	for (unsigned int i = 0; i < PORTS * 8; i++) {
		struct oracle_bind bind = { .port = i % PORTS,
					    .protocol = i / PORTS % 2 ? ORACLE_UDP : ORACLE_TCP,
					    .uid = i / PORTS / 2 % 2 ? 1000 : 0 };

		if (i / PORTS / 4)
			memcpy(bind.addr.bytes, "\x7f\0\0\1", 4);
		compare(&map, &policy, &bind);
	}
}

static void all_small_policies(void **state)
{
	unsigned int rules[3];

	(void)state;
	for (int denies = 0; denies < 2; denies++) {
		check(rules, 0, denies);
		for (rules[0] = 0; rules[0] < count; rules[0]++) {
			check(rules, 1, denies);
			for (rules[1] = 0; rules[1] < count; rules[1]++) {
				check(rules, 2, denies);
				for (rules[2] = 0; rules[2] < count; rules[2]++)
					check(rules, 3, denies);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_small_policies, make_rules),
	};

	return cmocka_run_group_tests_name("small", tests, NULL, NULL);
}
