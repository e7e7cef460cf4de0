// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What pods may get: nothing that their grant does not cover, whatever they write. */
#include "config/grant.h"

#include "../oracle/oracle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *rules[] = { "80/tcp", "deny:22" };
static const char *may[] = { "443/tcp", "8000-8100", "[::1]:53/udp", "25,uid=25" };
static const char *labels[] = { "app=ingress", "tier=web" };
static int denies = BG_DENY;
static const struct bg_declared_pod grant = {
	.namespace = (char *)"web",
	.labels = (char **)labels,
	.labels_count = 2,
	.policy = { .default_verdict = &denies, .rules = (char **)rules, .rules_count = 2 },
	.may_ask = (char **)may,
	.may_ask_count = 4,
};

static void matches_namespace_and_every_label(void **state)
{
	static const struct {
		const char *namespace;
		struct bg_label labels[3];
		bool matches;
	} cases[] = {
		{ "web", { { "app", "ingress" }, { "tier", "web" }, { "x", "y" } }, true },
		{ "web", { { "x", "" }, { "tier", "web" }, { "app", "ingress" } }, true },
		{ "web", { { "app", "ingress" }, { "tier", "db" }, { "x", "y" } }, false },
		{ "web", { { "app", "ingress" }, { "x", "y" }, { "z", "" } }, false },
		{ "web2", { { "app", "ingress" }, { "tier", "web" }, { "x", "y" } }, false },
		{ "we", { { "app", "ingress" }, { "tier", "web" }, { "x", "y" } }, false },
		{ "", { { "app", "ingress" }, { "tier", "web" }, { "x", "y" } }, false },
		{ "web", { { "app", "ingress2" }, { "tier", "web" }, { "x", "y" } }, false },
		{ "web", { { "app", "ingres" }, { "tier", "web" }, { "x", "y" } }, false },
		{ "web", { { "ap", "p=ingress" }, { "tier", "web" }, { "x", "y" } }, false },
		{ "web", { { "app=ingress", "" }, { "tier=web", "" }, { "x", "y" } }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (bg_grant_matches(&grant, cases[i].namespace, cases[i].labels, 3) != cases[i].matches)
			fail_msg("case %zu", i);
}

static void gives_what_is_covered_and_refuses_as_a_whole(void **state)
{
	static const struct {
		const char *request;
		const char *refused; /* NULL: it is not */
		unsigned int count;  /* of rules, with those given outright */
	} cases[] = {
		{ NULL, NULL, 2 },
		{ "", NULL, 2 },
		{ " , ,\n", NULL, 2 },
		{ "443/tcp", NULL, 3 },
		{ "443/tcp,8080", NULL, 4 },
		{ "443/tcp, 8080\n8081/udp", NULL, 5 },
		{ "443/tcp,uid=33,8080", NULL, 4 },
		{ "127.0.0.1:443/tcp", NULL, 3 },
		{ "8000-8100/udp,gid=5,for=1h", NULL, 3 },
		{ "3000=443/tcp", NULL, 3 },
		{ "7000-7010=8000", NULL, 3 },
		{ "3000=[::1]:53/udp", NULL, 3 },
		{ "[::1]:53/udp", NULL, 3 },
		{ "deny:any", NULL, 3 },
		{ "25,uid=25", NULL, 3 },
		{ "443", "it may not ask for 443", 2 },
		{ "443/udp", "it may not ask for 443/udp", 2 },
		{ "443/tcp,444/tcp", "it may not ask for 444/tcp", 2 },
		{ "8000-8101", "it may not ask for 8000-8101", 2 },
		{ "any", "it may not ask for any", 2 },
		{ "pass:any", "it may not ask for pass:any", 2 },
		{ "3000=80/tcp", "it may not ask for 3000=80/tcp", 2 },
		{ "443=444/tcp", "it may not ask for 443=444/tcp", 2 },
		{ "8000-8010=8095", "it may not ask for 8000-8010=8095", 2 },
		{ "53/udp", "it may not ask for 53/udp", 2 },
		{ "[::2]:53/udp", "it may not ask for [::2]:53/udp", 2 },
		{ "[::/0]:53/udp", "it may not ask for [::/0]:53/udp", 2 },
		{ "25", "it may not ask for 25", 2 },
		{ "25,uid=26", "it may not ask for 25,uid=26", 2 },
		{ "22", "it may not ask for 22", 2 },
		{ "80/sctp", "rule \"80/sctp\": \"sctp\" is no protocol that can be gated: tcp or udp", 2 },
		{ "443/tcp;80", "rule \"443/tcp;80\": \"tcp;80\" is no protocol that can be gated: tcp or udp", 2 },
		{ "../../etc", NULL, 0 },
		{ "\xff\xfe", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bg_error error = { "" };
		struct bg_policy policy;
		int err = bg_grant_policy(&grant, "t", cases[i].request, &policy, &error);

		if (cases[i].count == 0) {
			assert_int_equal(err, -EACCES);
			continue;
		}
		assert_int_equal(err, cases[i].refused ? -EACCES : 0);
		if (cases[i].refused)
			assert_string_equal(error.text, cases[i].refused);
		assert_int_equal(policy.count, cases[i].count);
		assert_int_equal(policy.default_verdict, BG_DENY);
		assert_int_equal(policy.netns, BG_NETNS_HOST);
	}
}

static void survives_a_quarter_of_a_megabyte(void **state)
{
	struct bg_error error;
	struct bg_policy policy;
	static char request[256 << 10];

	(void)state;
	memset(request, '8', sizeof(request) - 1);
	assert_int_equal(bg_grant_policy(&grant, "t", request, &policy, &error), -EACCES);
	assert_string_equal(error.text, "its request is longer than 16384 bytes");
	assert_int_equal(policy.count, 2);
	for (size_t at = 0; at < 16000; at += 4)
		memcpy(request + at, ",080", 4);
	request[16000] = '\0';
	assert_int_equal(bg_grant_policy(&grant, "t", request, &policy, &error), -EACCES);
	assert_int_equal(policy.count, 2);
}

/* Random requests: what is taken lets no bind through that neither the grant's rules nor what it may ask for do. */
static void never_widens(void **state)
{
	uint64_t seed = 0x6772616e74;
	unsigned int taken = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct oracle_policy requested;
		struct bg_policy policy;
		char request[4 * ORACLE_TEXT_MAX] = "", text[ORACLE_TEXT_MAX];

		oracle_make_policy(&seed, 1 + oracle_below(&seed, 2), &requested);
		for (unsigned int k = 0; k < requested.count; k++) {
			if (oracle_chance(&seed, 60)) { /* near what is granted */
				requested.rules[k].first = 8000 + oracle_below(&seed, 110);
				requested.rules[k].last = requested.rules[k].first + oracle_below(&seed, 5);
				requested.rules[k].to = 7995 + oracle_below(&seed, 110);
			}
			strcat(strcat(request, k ? "," : ""), oracle_print(&seed, &requested.rules[k], text));
		}
		if (bg_grant_policy(&grant, "t", request, &policy, NULL))
			continue;
		taken++;
		for (unsigned int k = 0; k < requested.count; k++) {
			const struct oracle_rule *rule = &requested.rules[k];
			unsigned int low = rule->verdict == ORACLE_REWRITE ? rule->to : rule->first;
			unsigned int high = low + (rule->last - rule->first);

			if (rule->verdict == ORACLE_DENY)
				continue;
			if (!(low >= 8000 && high <= 8100) && !(low == 443 && high == 443 && !rule->udp) &&
			    !(low == 53 && high == 53 && !rule->tcp) &&
			    !(low == 25 && rule->has_uid && rule->uid == 25))
				fail_msg("%s was taken", request);
		}
	}
	assert_true(taken > 500);
}

/* Grants that deny (or pass, or rewrite) something themselves: a rewrite lands on nothing that they keep back. */
static void a_rewrite_lands_where_the_grant_lets_it(void **state)
{
	static const struct {
		const char *rules[3];
		const char *request;
		bool refused;
	} cases[] = {
		{ { "deny:22/tcp" }, "3000=22/tcp", true },
		{ { "deny:22/tcp" }, "3000=22", true },
		{ { "deny:22/tcp" }, "3000=22/udp", false },
		{ { "deny:22/tcp" }, "3000-3009=20/tcp", true },
		{ { "deny:22/tcp" }, "3000=21/tcp", false },
		{ { "deny:22/tcp" }, "22/tcp", false }, /* its bind is to 22 itself: the grant's rule has it first */
		{ { "deny:22/tcp" }, "22=23/tcp", false },
		{ { "deny:127.0.0.1:22/tcp" }, "3000=127.0.0.1:22/tcp", true },
		{ { "deny:127.0.0.0/8:22/tcp" }, "3000=127.0.0.1:22/tcp", true },
		{ { "deny:127.0.0.1:22/tcp" }, "3000=22/tcp", true },
		{ { "deny:127.0.0.1:22/tcp" }, "127.0.0.0/8:3000=22/tcp", true },
		{ { "deny:127.0.0.1:22/tcp" }, "[::1]:3000=22/tcp", false },
		{ { "deny:127.0.0.1:22/tcp" }, "3000=10.0.0.1:22/tcp", false },
		{ { "deny:22,uid=33" }, "3000=22", true },
		{ { "deny:22,uid=33" }, "3000=22,uid=33", true },
		{ { "deny:22,uid=33" }, "3000=22,uid=34", false },
		{ { "deny:22,gid=33" }, "3000=22,gid=34", false },
		{ { "deny:22,for=1h" }, "3000=22", true },
		{ { "22/tcp", "deny:1-1023" }, "3000=22/tcp", false },
		{ { "22/tcp", "deny:1-1023" }, "3000=22", true },
		{ { "22/tcp,for=1h", "deny:1-1023" }, "3000=22/tcp", true },
		{ { "pass:22" }, "3000=22/tcp", true }, /* a bind to 22 would have no waiver */
		{ { "22=2222" }, "3000=22/tcp", true }, /* a bind to 22 would land elsewhere */
	};
	static const char *any[] = { "any" };
	struct bg_declared_pod keeps = { .may_ask = (char **)any, .may_ask_count = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bg_policy policy;
		int err;

		keeps.policy.rules = (char **)cases[i].rules;
		keeps.policy.rules_count = cases[i].rules[1] ? 2 : 1;
		err = bg_grant_policy(&keeps, "t", cases[i].request, &policy, NULL);
		if (err != (cases[i].refused ? -EACCES : 0))
			fail_msg("%s with %s: %d", cases[i].rules[0], cases[i].request, err);
	}
}

/* What the oracle has to say of the grant's own rules about where a bind of the pod would land. */
static bool lands_well(const struct oracle_policy *all, unsigned int own, const struct oracle_bind *bind)
{
	struct oracle_answer answer = oracle_ask(all, bind);
	struct oracle_policy grants = *all;
	struct oracle_bind landed = *bind;

	if (answer.rule < (int)own || answer.verdict != ORACLE_REWRITE)
		return true;
	landed.port = answer.port;
	landed.addr = answer.addr;
	grants.count = own;
	grants.denies = false;
	answer = oracle_ask(&grants, &landed);
	return answer.rule == ORACLE_DEFAULT || answer.verdict == ORACLE_ALLOW;
}

/* Of random grants and random requests: whatever was taken, no bind that it rewrites lands on what a bind by name would
 * not get from the grant's own rules. Nor is everything refused. */
static void never_lands_on_what_is_kept_back(void **state)
{
	static const char *any[] = { "any" };
	uint64_t seed = 0x64656e696573;
	unsigned int taken = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char request[4 * ORACLE_TEXT_MAX] = "", texts[3][ORACLE_TEXT_MAX], *own[3];
		struct bg_declared_pod keeps = { .may_ask = (char **)any, .may_ask_count = 1, .policy.rules = own };
		unsigned int asked = 1 + oracle_below(&seed, 2);
		struct oracle_policy all;
		struct bg_policy policy;
		struct oracle_bind bind;

		keeps.policy.rules_count = 1 + oracle_below(&seed, 3);
		oracle_make_policy(&seed, keeps.policy.rules_count + asked, &all);
		for (unsigned int k = 0; k < all.count; k++) {
			char text[ORACLE_TEXT_MAX];

			if (k < keeps.policy.rules_count)
				own[k] = (char *)oracle_print(&seed, &all.rules[k], texts[k]);
			else
				strcat(strcat(request, *request ? "," : ""),
				       oracle_print(&seed, &all.rules[k], text));
		}
		if (bg_grant_policy(&keeps, "t", request, &policy, NULL))
			continue;
		taken += policy.rules[policy.count - 1].verdict == BG_REWRITE;
		for (int k = 0; k < 100; k++) {
			oracle_make_bind(&seed, &all, &bind);
			if (!lands_well(&all, keeps.policy.rules_count, &bind))
				fail_msg("%s (of %u) lets %s land where it may not", own[0],
					 keeps.policy.rules_count, request);
		}
	}
	assert_true(taken > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_namespace_and_every_label),
		cmocka_unit_test(gives_what_is_covered_and_refuses_as_a_whole),
		cmocka_unit_test(survives_a_quarter_of_a_megabyte),
		cmocka_unit_test(never_widens),
		cmocka_unit_test(a_rewrite_lands_where_the_grant_lets_it),
		cmocka_unit_test(never_lands_on_what_is_kept_back),
	};

	return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
