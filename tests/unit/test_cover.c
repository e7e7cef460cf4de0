// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* learn's folding: exactly the ports seen, by as few rules as runs of them ask for. */
#include "policy/infer.h"

#include "../oracle/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 0x636f766572;

static bool covered(const struct bg_policy *policy, __u8 protocol, unsigned int port)
{
	for (unsigned int i = 0; i < policy->count; i++)
		if ((policy->rules[i].flags & 1 << protocol) && policy->rules[i].first <= port &&
		    port <= policy->rules[i].last)
			return true;
	return false;
}

static bool seen_at(const struct bg_seen *seen, int protocol, unsigned int port)
{
	return port <= 65535 && (seen->ports[protocol][port / 8] & 1 << port % 8);
}

/* Runs of both protocols, those that are the same counted once. */
static unsigned int fewest(const struct bg_seen *seen)
{
	unsigned int count = 0;

	for (unsigned int port = 1; port <= 65535; port++) {
		bool begins[2], same = true;

		for (int protocol = 0; protocol < 2; protocol++) {
			begins[protocol] = seen_at(seen, protocol, port) && !seen_at(seen, protocol, port - 1);
			count += begins[protocol];
		}
		for (unsigned int k = port; same && (seen_at(seen, 0, k) || seen_at(seen, 1, k)); k++)
			same = seen_at(seen, 0, k) == seen_at(seen, 1, k);
		count -= begins[0] && begins[1] && same;
	}
	return count;
}

static void draw(struct bg_seen *seen, unsigned int ports)
{
	memset(seen, 0, sizeof(*seen));
	for (unsigned int i = 0; i < ports; i++) {
		unsigned int port =
			oracle_chance(&seed, 10) ? 65535 - oracle_below(&seed, 3) : oracle_below(&seed, 300) * 3;
		unsigned int run = oracle_chance(&seed, 50) ? 1 : 1 + oracle_below(&seed, 6),
			     which = oracle_below(&seed, 3);

		for (; run && port <= 65535; run--, port++) {
			if (which != 1)
				bg_seen_add(seen, BG_TCP, (__u16)port);
			if (which != 0)
				bg_seen_add(seen, BG_UDP, (__u16)port);
		}
	}
}

static void covers_exactly_and_with_the_fewest(void **state)
{
	static struct bg_policy policy;
	static struct bg_seen seen;

	(void)state;
	for (int i = 0; i < 300; i++) {
		draw(&seen, oracle_below(&seed, 60));
		assert_int_equal(bg_infer(&seen, BG_RULES_MAX, &policy), 0);
		assert_int_equal(policy.count, fewest(&seen));
		for (int protocol = 0; protocol < 2; protocol++)
			for (unsigned int port = 1; port <= 65535; port++)
				assert_int_equal(covered(&policy, (__u8)protocol, port),
						 seen_at(&seen, protocol, port));
	}
}

static void widens_where_rules_are_too_few(void **state)
{
	static struct bg_policy policy;
	static struct bg_seen seen;

	(void)state;
	for (int i = 0; i < 30; i++) {
		unsigned int most = 2 + oracle_below(&seed, 20), more, counted = 0;

		draw(&seen, 200);
		more = bg_infer(&seen, most, &policy);
		assert_true(policy.count <= most);
		for (int protocol = 0; protocol < 2; protocol++)
			for (unsigned int port = 1; port <= 65535; port++) {
				assert_true(!seen_at(&seen, protocol, port) ||
					    covered(&policy, (__u8)protocol, port));
				counted +=
					covered(&policy, (__u8)protocol, port) && !seen_at(&seen, protocol, port);
			}
		assert_int_equal(more, counted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_exactly_and_with_the_fewest),
		cmocka_unit_test(widens_where_rules_are_too_few),
	};

	return cmocka_run_group_tests_name("cover", tests, NULL, NULL);
}
