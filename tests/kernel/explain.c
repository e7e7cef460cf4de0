// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What explain says, held against what bind(2) then does: a table of situations, and random ones. */
#include "explain/explain.h"
#include "harness.h"

#include "../oracle/oracle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct bg_cgroup parent, child;
static unsigned int situations;

static struct bg_bind bind_of(const struct call *call)
{
	struct bg_bind bind = { .family = call->family == AF_INET ? 4 : 6,
				.protocol = call->type == SOCK_DGRAM ? BG_UDP : BG_TCP,
				.port = ntohs(call->addr.v4.sin_port) };

	bind.addr = call->family == AF_INET ? bg_addr_from_ip4(&call->addr.v4.sin_addr)
					    : bg_addr_from_ip6(&call->addr.v6.sin6_addr);
	return bind;
}

/* Explains, then binds: both have to end the same. */
static void agree(struct worker *worker, const char *words, const char *addr, unsigned int port)
{
	static struct bg_explanation why;
	struct call one = make_call(words, addr, port);
	struct bg_bind bind = bind_of(&one);
	struct bg_error error;
	struct bg_addr actual;
	struct reply reply;

	if (bg_explain(&store, worker->pid, NULL, &bind, &why, &error))
		give_up("explain: %s", error.text);
	free(why.remedy);
	reply = call(worker, &one, -1, NULL);
	situations++;
	EXPECT(reply.error == why.error, "%s to %s port %u: explained as %s, but bind: %s", words, addr, port,
	       strerror(why.error), strerror(reply.error));
	if (reply.error || why.error)
		return;
	actual = one.family == AF_INET ? bg_addr_from_ip4((struct in_addr *)&reply.addr)
				       : bg_addr_from_ip6(&reply.addr);
	EXPECT(reply.port == why.actual.port, "%s to %s port %u: explained as port %u, but %u", words, addr, port,
	       why.actual.port, reply.port);
	EXPECT(!memcmp(&actual, &why.actual.addr, sizeof(actual)),
	       "%s to %s port %u: explained with another address", words, addr, port);
}

static const struct who {
	const char *name;
	uid_t uid;
	unsigned int flags;
} who[] = {
	{ "nobody", 65534, 0 },
	{ "root", 0, WITH_CAPS },
	{ "root without capabilities", 0, 0 },
	{ "a user namespace's root", 65534, IN_USER_NAMESPACE },
	{ "nobody in a network namespace of its own", 65534, IN_NEW_NETNS },
	{ "www-data with no_new_privs", 33, NO_NEW_PRIVS },
};

static void the_table(void)
{
	static const struct {
		const char *words, *addr;
		unsigned int port;
	} binds[] = {
		{ "tcp4", "0.0.0.0", 80 },    { "tcp4", "127.0.0.1", 80 }, { "tcp6", "::", 80 },
		{ "udp4", "0.0.0.0", 80 },    { "tcp4", "0.0.0.0", 443 },  { "tcp4", "0.0.0.0", 8080 },
		{ "tcp4", "0.0.0.0", 3000 },  { "tcp6", "::", 3000 },      { "tcp6", "::ffff:127.0.0.1", 80 },
		{ "udp6", "::1", 53 },        { "tcp4", "192.0.2.1", 80 }, { "tcp4", "192.0.2.1", 8081 },
		{ "tcp6", "2001:db8::", 80 }, { "tcp4", "0.0.0.0", 22 },
	};

	for (size_t w = 0; w < sizeof(who) / sizeof(*who); w++) {
		for (int gates = 0; gates < 5; gates++) {
			struct worker worker;

			parent = new_cgroup("p");
			child = new_cgroup("p/c");
			if (!start_worker(&worker, &child, who[w].uid, who[w].uid, who[w].flags)) {
				fail("cannot start %s", who[w].name);
				continue;
			}
			if (gates == 1)
				gate(&child, (struct options){ 0 }, "80/tcp", "3000=80", "deny:22", NULL);
			if (gates == 2)
				gate(&parent, (struct options){ .denies = true }, "127.0.0.1:80", "[::]:80",
				     "53/udp", "3000=127.0.0.1:443", NULL);
			if (gates == 3) {
				gate(&child, (struct options){ 0 }, "3000=4000", "80,uid=65534", "deny:8080", NULL);
				gate(&parent, (struct options){ .audit = true, .denies = true }, "4000=81", "443",
				     NULL);
			}
			if (gates == 4)
				gate(&child, (struct options){ .host = true, .denies = true }, "80", NULL);
			for (size_t b = 0; b < sizeof(binds) / sizeof(*binds); b++)
				agree(&worker, binds[b].words, binds[b].addr, binds[b].port);
			EXPECT(!has_failed(), "so it was with %s and gates %d", who[w].name, gates);
			stop_worker(&worker);
			if (has_failed())
				return;
		}
	}
	note("%u situations", situations);
}

static void ports_that_are_held(void)
{
	static const struct {
		const char *words, *addr;
	} held[] = { { "tcp4 listen keep", "0.0.0.0" }, { "tcp4 listen keep", "127.0.0.1" },
		     { "tcp6 listen keep", "::" },      { "tcp6 v6only listen keep", "::" },
		     { "tcp6 listen keep", "::1" },     { "tcp6 listen keep", "::ffff:127.0.0.1" } },
	  asked[] = { { "tcp4", "0.0.0.0" }, { "tcp4", "127.0.0.1" }, { "tcp4", "127.0.0.2" },
		      { "tcp6", "::" },      { "tcp6", "::1" },       { "tcp6", "::ffff:127.0.0.1" },
		      { "udp4", "0.0.0.0" } };
	struct bg_cgroup cgroup = new_cgroup("held");
	struct worker asker;

	situations = 0;
	gate(&cgroup, (struct options){ 0 }, "80", "3000=80", NULL);
	start_worker(&asker, &cgroup, 65534, 65534, 0);
	for (size_t h = 0; h < sizeof(held) / sizeof(*held) && !has_failed(); h++) {
		struct worker holder;

		start_worker(&holder, &cgroup, 0, 0, WITH_CAPS);
		for (int i = 0; bind_by(&holder, held[h].words, held[h].addr, 80).error && i < 200; i++)
			usleep(10000); /* the holder before it may still be letting go of its socket */
		for (size_t a = 0; a < sizeof(asked) / sizeof(*asked) && !has_failed(); a++) {
			agree(&asker, asked[a].words, asked[a].addr, 80);
			agree(&asker, asked[a].words, asked[a].addr, 3000);
			EXPECT(!has_failed(), "so it was while it was held by %s %s", held[h].words, held[h].addr);
		}
		stop_worker(&holder);
	}
	stop_worker(&asker);
	note("%u situations", situations);
}

static void install(struct bg_cgroup *cgroup, uint64_t *seed, struct oracle_policy *theirs)
{
	struct bg_policy ours = { .default_verdict = theirs->denies ? BG_DENY : BG_PASS,
				  .audit = oracle_chance(seed, 15) };
	char text[ORACLE_TEXT_MAX];
	struct bg_error error;

	for (unsigned int i = 0; i < theirs->count; i++)
		if (bg_policy_add(&ours, oracle_print(seed, &theirs->rules[i], text), &error))
			give_up("%s: %s", text, error.text);
	gate_policy(cgroup, &ours);
}

static void random_situations(void)
{
	uint64_t seed = env_number("BINDGATE_TEST_SEED", 0x657870);
	unsigned long policies = env_number("BINDGATE_TEST_POLICIES", 1500) / 10;
	static struct oracle_policy inner, outer;
	struct worker workers[ORACLE_USERS];

	situations = 0;
	parent = new_cgroup("p");
	child = new_cgroup("p/c");
	for (int i = 0; i < ORACLE_USERS; i++)
		start_worker(&workers[i], &child, oracle_users[i].uid, oracle_users[i].gid, 0);
	for (unsigned long i = 0; i < policies && !has_failed(); i++) {
		oracle_make_policy(&seed, oracle_below(&seed, 12), &inner);
		oracle_make_policy(&seed, oracle_below(&seed, 12), &outer);
		install(&child, &seed, &inner);
		install(&parent, &seed, &outer);
		for (int k = 0; k < 12; k++) {
			struct oracle_bind bind;
			char addr[INET6_ADDRSTRLEN], words[8];

			oracle_make_bind(&seed, k % 2 ? &inner : &outer, &bind);
			if (bind.port == 0) /* nobody is asked, and any port is the answer */
				continue;
			inet_ntop(bind.addr.is_v6 ? AF_INET6 : AF_INET, bind.addr.bytes, addr, sizeof(addr));
			snprintf(words, sizeof(words), "%s%c", bind.protocol == ORACLE_UDP ? "udp" : "tcp",
				 bind.addr.is_v6 ? '6' : '4');
			agree(&workers[oracle_below(&seed, ORACLE_USERS)], words, addr, bind.port);
		}
	}
	for (int i = 0; i < ORACLE_USERS; i++)
		stop_worker(&workers[i]);
	note("%u situations", situations);
}

/* Who takes the line that is printed gets the port. */
static void remedies_help(void)
{
	static const struct {
		unsigned int gates, port;
	} cases[] = { { 0, 80 }, { 1, 81 }, { 1, 22 }, { 2, 80 }, { 2, 8080 }, { 3, 80 }, { 3, 3000 } };
	const char *bindgate = getenv("BINDGATE");

	if (!bindgate)
		give_up("BINDGATE is not set: tests/run sets it");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static struct bg_explanation why;
		char command[9000];
		struct bg_bind bind = { .family = 4,
					.addr = { .lo = 0xffff00000000 },
					.port = (__u16)cases[i].port };
		struct bg_error error;
		struct worker worker;

		parent = new_cgroup("p");
		child = new_cgroup("p/c");
		start_worker(&worker, &child, 65534, 65534, 0);
		if (cases[i].gates == 1)
			gate(&child, (struct options){ 0 }, "80", "deny:22", NULL);
		if (cases[i].gates == 2)
			gate(&parent, (struct options){ .denies = true }, "443", "deny:80,uid=65534", NULL);
		if (cases[i].gates == 3) {
			gate(&child, (struct options){ .denies = true }, "3000=80", "[::1]:80", NULL);
			gate(&parent, (struct options){ 0 }, "deny:80", "127.0.0.1:81", NULL);
		}
		if (bg_explain(&store, worker.pid, NULL, &bind, &why, &error))
			give_up("explain: %s", error.text);
		EXPECT(why.error == EACCES && why.remedy && *why.remedy, "no remedy for port %u with gates %u",
		       cases[i].port, cases[i].gates);
		snprintf(command, sizeof(command), "PATH=%.*s:$PATH; %s", (int)(strrchr(bindgate, '/') - bindgate),
			 bindgate, why.remedy);
		close_store();
		/* NOLINTNEXTLINE(cert-env33-c): what explain prints is for a shell */
		EXPECT(system(command) == 0, "%s failed", command);
		open_store();
		EXPECT(!bind_by(&worker, "tcp4", "0.0.0.0", cases[i].port).error, "after %s it is still refused",
		       why.remedy);
		free(why.remedy);
		stop_worker(&worker);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "explain and bind agree: who, gates and binds", the_table },
		{ "explain and bind agree: held ports", ports_that_are_held },
		{ "explain and bind agree: random nested policies", random_situations },
		{ "the command that explain prints grants the bind", remedies_help },
	};

	return RUN_TESTS(tests);
}
