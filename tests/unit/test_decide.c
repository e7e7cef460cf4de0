// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rule text through parser, compiler and decide.h, held against the oracle; and port maps that nobody compiled. */
#include "policy/compile.h"

#include "../oracle/request.h"

#include <bindgate/decide.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POLICIES 3000
#define BINDS 300

static uint64_t seed;

static int set_seed(void **state)
{
	const char *text = getenv("BINDGATE_TEST_SEED");

	(void)state;
	seed = text ? strtoull(text, NULL, 0) : 0x62696e64;
	return 0;
}

static unsigned int draw_count(void)
{
	static const unsigned int counts[] = { 0, 1, 2, 5, 12, 40, 120, BG_RULES_MAX };

	return counts[oracle_below(&seed, sizeof(counts) / sizeof(*counts))];
}

/* The same policy for both: only text passes between them. Some rules have expired already, by both clocks. */
static void draw_policy(struct oracle_policy *theirs, struct bg_policy *ours)
{
	char text[ORACLE_TEXT_MAX];
	struct bg_error error;

	oracle_make_policy(&seed, draw_count(), theirs);
	theirs->host_only = oracle_chance(&seed, 20);
	*ours = (struct bg_policy){ .default_verdict = theirs->denies ? BG_DENY : BG_PASS,
				    .netns = theirs->host_only ? BG_NETNS_HOST : BG_NETNS_ANY };
	for (unsigned int i = 0; i < theirs->count; i++) {
		if (bg_policy_add(ours, oracle_print(&seed, &theirs->rules[i], text), &error))
			fail_msg("%s: %s", text, error.text);
		if (ours->rules[i].seconds) {
			ours->rules[i].deadline = 1 + oracle_below(&seed, 100);
			theirs->rules[i].ends = ours->rules[i].deadline;
		}
		ours->rules[i].slot = (__u8)(i * 7);
	}
}

static void compare(const struct bg_portmap *map, const struct oracle_policy *policy, struct oracle_bind *bind)
{
	static const __u8 kinds[] = { [ORACLE_TCP] = BG_RULE_TCP, [ORACLE_UDP] = BG_RULE_UDP, [ORACLE_OTHER] = 0 };
	struct bg_answer got = bg_decide(map, (__u16)bind->port, kinds[bind->protocol], oracle_fill, bind);
	struct oracle_answer want = oracle_ask(policy, bind);
	struct bg_addr given = oracle_addr_of(&want.addr), asked = oracle_addr_of(&bind->addr);

	if (want.rule == ORACLE_UNASKED) {
		assert_int_equal(got.slot, BG_SLOT_BYPASSED);
	} else if (want.rule == ORACLE_DEFAULT) {
		assert_int_equal(got.slot, policy->denies ? BG_SLOT_DENIED : BG_SLOT_PASSED);
	} else {
		assert_int_equal(got.slot, (__u8)(want.rule * 7));
	}
	assert_int_equal(got.verdict, want.verdict);
	if (want.verdict == ORACLE_REWRITE)
		assert_int_equal(got.port, want.port);
	if (got.readdressed)
		asked = map->addrs[got.target];
	assert_memory_equal(&asked, &given, sizeof(given));
}

static void decides_as_the_oracle(void **state)
{
	static struct oracle_policy theirs;
	static struct bg_policy ours;
	static struct bg_portmap map;
	unsigned int verdicts[ORACLE_VERDICTS] = { 0 };

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		draw_policy(&theirs, &ours);
		assert_int_equal(bg_compile(&ours, &map, NULL), 0);
		for (int k = 0; k < BINDS; k++) {
			struct oracle_bind bind;

			oracle_make_bind(&seed, &theirs, &bind);
			bind.now = oracle_below(&seed, 102);
			bind.foreign_netns = oracle_chance(&seed, 30);
			if (oracle_chance(&seed, 2))
				bind.protocol = ORACLE_OTHER;
			compare(&map, &theirs, &bind);
			verdicts[oracle_ask(&theirs, &bind).verdict]++;
		}
	}
	for (int i = 0; i < ORACLE_VERDICTS; i++) /* else the draw has become blind */
		assert_true(verdicts[i] > POLICIES * BINDS / 50);
}

/* Every port of a policy, so that no border of a segment is off by one. */
static void decides_at_every_port(void **state)
{
	static struct oracle_policy theirs;
	static struct bg_policy ours;
	static struct bg_portmap map;

	(void)state;
	for (int i = 0; i < 20; i++) {
		draw_policy(&theirs, &ours);
		assert_int_equal(bg_compile(&ours, &map, NULL), 0);
		for (unsigned int port = 0; port <= 65535; port++) {
			struct oracle_bind bind;

			oracle_make_bind(&seed, &theirs, &bind);
			bind.port = port;
			compare(&map, &theirs, &bind);
		}
	}
}

static void decompiles_to_the_same(void **state)
{
	static struct oracle_policy theirs;
	static struct bg_policy ours, again;
	static struct bg_portmap map;

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		draw_policy(&theirs, &ours);
		ours.audit = oracle_chance(&seed, 50);
		assert_int_equal(bg_policy_set_owner(&ours, "cli", NULL), 0);
		assert_int_equal(bg_policy_set_label(&ours, "web, of the shop", NULL), 0);
		assert_int_equal(bg_compile(&ours, &map, NULL), 0);
		assert_int_equal(bg_decompile(&map, &again, NULL), 0);
		assert_true(bg_policy_same(&ours, &again));
		for (unsigned int k = 0; k < ours.count; k++) {
			assert_int_equal(ours.rules[k].deadline, again.rules[k].deadline);
			assert_int_equal(ours.rules[k].slot, again.rules[k].slot);
		}
	}
}

/* A port map read back from a kernel that somebody has poked: refused or the same, and decide.h stays within it. */
static void survives_any_port_map(void **state)
{
	static struct oracle_policy theirs;
	static struct bg_policy ours, again;
	static struct bg_portmap map;
	unsigned int refused = 0;

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		struct oracle_bind bind;

		draw_policy(&theirs, &ours);
		assert_int_equal(bg_compile(&ours, &map, NULL), 0);
		for (unsigned int k = oracle_below(&seed, 4); k < 4; k++)
			((__u8 *)&map)[oracle_below(&seed, sizeof(map))] = (__u8)oracle_random(&seed);
		if (oracle_chance(&seed, 5))
			for (size_t k = 0; k < sizeof(map); k++)
				((__u8 *)&map)[k] = (__u8)oracle_random(&seed);
		refused += bg_decompile(&map, &again, NULL) == -EBADMSG;
		for (int k = 0; k < 30; k++) {
			struct bg_answer answer;

			oracle_make_bind(&seed, &theirs, &bind);
			answer = bg_decide(&map, (__u16)bind.port, BG_RULE_TCP, oracle_fill, &bind);
			assert_true(answer.slot <= BG_ENTRY_SLOT); /* the hook counts below BG_SLOTS */
			assert_true(!answer.readdressed || answer.target < BG_ADDRS_MAX);
		}
	}
	assert_true(refused > POLICIES / 4);
}

struct cover {
	unsigned int next[BG_PROTOCOLS]; /* the port that no range has covered yet */
	const struct bg_portmap *map;
};

static void check_range(const struct bg_map_range *range, void *arg)
{
	struct cover *cover = arg;

	if (range->first == 0) { /* deny:0 */
		assert_int_equal(range->last, 0);
		assert_true(range->rule >= 0 && cover->next[range->protocol] == 1);
		return;
	}
	assert_int_equal(range->first, cover->next[range->protocol]);
	assert_true(range->first <= range->last);
	cover->next[range->protocol] = range->last + 1U;
}

static void dumps_every_port_once(void **state)
{
	static struct oracle_policy theirs;
	static struct bg_policy ours;
	static struct bg_portmap map;

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		struct cover cover = { .next = { 1, 1 }, .map = &map };

		draw_policy(&theirs, &ours);
		assert_int_equal(bg_compile(&ours, &map, NULL), 0);
		bg_map_ranges(&map, check_range, &cover);
		assert_int_equal(cover.next[BG_TCP], 65536);
		assert_int_equal(cover.next[BG_UDP], 65536);
	}
}

/* A rule that is said to be covered never decides. */
static void covered_rules_never_decide(void **state)
{
	static struct oracle_policy theirs;
	static struct bg_policy ours;
	unsigned int covered = 0;

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		draw_policy(&theirs, &ours);
		for (int k = 0; k < 40 && theirs.count; k++) {
			struct oracle_bind bind;
			int rule;

			oracle_make_bind(&seed, &theirs, &bind);
			rule = oracle_ask(&theirs, &bind).rule;
			assert_true(rule < 0 || bg_policy_covered_by(&ours, (unsigned int)rule) < 0);
		}
		for (unsigned int k = 0; k < ours.count; k++)
			covered += bg_policy_covered_by(&ours, k) >= 0;
	}
	assert_true(covered > POLICIES);
}

static void refuses_too_many_addresses(void **state)
{
	static struct bg_policy policy, before;
	struct bg_error error;
	char text[64];

	(void)state;
	for (int i = 0; i < BG_ADDRS_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d:80", i / 256, i % 256);
		assert_int_equal(bg_policy_add(&policy, text, &error), 0);
	}
	assert_int_equal(bg_policy_add(&policy, "10.0.0.7:81", &error), 0); /* not a new one */
	before = policy;
	assert_int_equal(bg_policy_add(&policy, "10.9.9.9:80", &error), -E2BIG);
	assert_string_equal(error.text,
			    "more than 192 different addresses for one gate: use address prefixes (10.0.0.0/8:80)");
	assert_memory_equal(&policy, &before, sizeof(policy));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(decides_as_the_oracle, set_seed),
		cmocka_unit_test_setup(decides_at_every_port, set_seed),
		cmocka_unit_test_setup(decompiles_to_the_same, set_seed),
		cmocka_unit_test_setup(survives_any_port_map, set_seed),
		cmocka_unit_test_setup(dumps_every_port_once, set_seed),
		cmocka_unit_test_setup(covered_rules_never_decide, set_seed),
		cmocka_unit_test(refuses_too_many_addresses),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
