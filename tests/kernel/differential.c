// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random policies, and random binds through bind(2) by processes of several users: what the kernel answers, errno,
 * resulting address and port, and every counter, held against the oracle.
 *
 * BINDGATE_TEST_POLICIES and BINDGATE_TEST_SEED set how many, and which.
 */
#include "harness.h"

#include "../oracle/oracle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define BINDS 60
#define PRIVILEGED 1024 /* ip_unprivileged_port_start of a new network namespace */

static uint64_t seed;
static struct worker workers[ORACLE_USERS];
static struct bg_cgroup cgroup;

static void install(const struct oracle_policy *theirs)
{
	static struct bg_policy ours;
	char text[ORACLE_TEXT_MAX];
	struct bg_error error;

	ours = (struct bg_policy){ .default_verdict = theirs->denies ? BG_DENY : BG_PASS };
	for (unsigned int i = 0; i < theirs->count; i++)
		if (bg_policy_add(&ours, oracle_print(&seed, &theirs->rules[i], text), &error))
			give_up("%s: %s", text, error.text);
	gate_policy(&cgroup, &ours);
}

/* What bind(2) does with the oracle's answer: 0 or an errno. */
static int kernel_answer(const struct oracle_bind *bind, const struct oracle_answer *answer)
{
	bool local = oracle_is_local(&answer->addr);
	bool barred = answer->verdict == ORACLE_PASS && answer->port > 0 && answer->port < PRIVILEGED;

	if (answer->verdict == ORACLE_DENY)
		return EACCES;
	/* IPv6 asks for the privilege first, IPv4 for the address. */
	if (barred && (bind->addr.is_v6 || local))
		return EACCES;
	return local ? 0 : EADDRNOTAVAIL;
}

static const char *words_of(const struct oracle_bind *bind)
{
	bool variant = oracle_chance(&seed, 15);

	if (bind->protocol == ORACLE_UDP)
		return bind->addr.is_v6 ? "udp6" : "udp4";
	if (variant)
		return bind->addr.is_v6 ? "mptcp6" : "mptcp4";
	return bind->addr.is_v6 ? "tcp6" : "tcp4";
}

static struct worker *worker_of(const struct oracle_bind *bind)
{
	for (int i = 0; i < ORACLE_USERS; i++)
		if (oracle_users[i].uid == bind->uid && oracle_users[i].gid == bind->gid)
			return &workers[i];
	give_up("no worker for %u:%u", bind->uid, bind->gid);
}

static void check(const struct oracle_policy *policy, const struct oracle_bind *bind,
		  const struct oracle_answer *want)
{
	int family = bind->addr.is_v6 ? AF_INET6 : AF_INET, error = kernel_answer(bind, want);
	char asked[INET6_ADDRSTRLEN], rule[ORACLE_TEXT_MAX] = "none";
	const char *words = words_of(bind);
	struct reply got;

	inet_ntop(family, bind->addr.bytes, asked, sizeof(asked));
	got = bind_by(worker_of(bind), words, asked, bind->port);
	if (want->rule >= 0)
		oracle_print(&seed, &policy->rules[want->rule], rule);
	EXPECT(got.error == error, "%s to %s port %u by %u:%u, rule %d (%s): %s, expected %s", words, asked,
	       bind->port, bind->uid, bind->gid, want->rule, rule, strerror(got.error), strerror(error));
	if (got.error || error)
		return;
	EXPECT(bind->port == 0 ? got.port > 0 : got.port == want->port,
	       "%s to %s port %u, rule %d (%s): port %u, "
	       "expected %u",
	       words, asked, bind->port, want->rule, rule, got.port, want->port);
	EXPECT(!memcmp(&got.addr, want->addr.bytes, bind->addr.is_v6 ? 16 : 4),
	       "%s to %s port %u, rule %d (%s): another address than expected", words, asked, bind->port,
	       want->rule, rule);
}

static void round_of(unsigned int rules)
{
	static struct oracle_policy policy;
	static struct bg_gate before;
	__u64 hits[BG_RULES_MAX] = { 0 }, fallback = 0, bypassed = 0, verdicts[BG_VERDICTS] = { 0 };
	const struct bg_gate *after;

	oracle_make_policy(&seed, rules, &policy);
	install(&policy);
	before = *read_gate(&cgroup);
	for (int i = 0; i < BINDS; i++) {
		struct oracle_answer want;
		struct oracle_bind bind;

		oracle_make_bind(&seed, &policy, &bind);
		want = oracle_ask(&policy, &bind);
		check(&policy, &bind, &want);
		if (want.rule >= 0)
			hits[want.rule]++;
		fallback += want.rule == ORACLE_DEFAULT;
		bypassed += want.rule == ORACLE_UNASKED;
		verdicts[want.verdict]++;
	}
	after = read_gate(&cgroup);
	for (unsigned int i = 0; i < policy.count; i++)
		EXPECT(after->hits[i] - before.hits[i] == hits[i], "rule %u: %llu hits, expected %llu", i,
		       after->hits[i] - before.hits[i], hits[i]);
	EXPECT(after->default_hits - before.default_hits == fallback, "default: %llu hits, expected %llu",
	       after->default_hits - before.default_hits, fallback);
	EXPECT(after->bypassed_hits - before.bypassed_hits == bypassed, "bypassed: %llu hits, expected %llu",
	       after->bypassed_hits - before.bypassed_hits, bypassed);
	for (int i = 0; i < BG_VERDICTS; i++)
		EXPECT(after->verdicts[i] - before.verdicts[i] == verdicts[i],
		       "verdict %d: %llu binds, expected %llu", i, after->verdicts[i] - before.verdicts[i],
		       verdicts[i]);
}

static void equals_the_oracle(void)
{
	static const unsigned int counts[] = { 0, 1, 2, 4, 8, 16, 40, 120, 256 };
	unsigned long policies = env_number("BINDGATE_TEST_POLICIES", 1500), i;

	seed = env_number("BINDGATE_TEST_SEED", 0x67617465);
	cgroup = new_cgroup("differential");
	for (int k = 0; k < ORACLE_USERS; k++)
		if (!start_worker(&workers[k], &cgroup, oracle_users[k].uid, oracle_users[k].gid, 0))
			give_up("cannot start a worker");
	for (i = 0; i < policies && !has_failed(); i++)
		round_of(counts[oracle_below(&seed, sizeof(counts) / sizeof(*counts))]);
	note("%lu policies, %lu binds", i, i * BINDS);
	if (has_failed())
		note("BINDGATE_TEST_SEED=%#lx BINDGATE_TEST_POLICIES=%lu",
		     env_number("BINDGATE_TEST_SEED", 0x67617465), i);
	for (int k = 0; k < ORACLE_USERS; k++)
		stop_worker(&workers[k]);
	ungate(&cgroup);
}

int main(void)
{
	static const struct test tests[] = {
		{ "random policies and binds equal the oracle", equals_the_oracle },
	};

	return RUN_TESTS(tests);
}
