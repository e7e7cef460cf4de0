// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel does with gates, fact by fact, each by a real bind(2) and its errno. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOBODY 65534

static const struct options passes = { .denies = false }, denies = { .denies = true };

/* A worker of nobody's, without capabilities. */
static struct worker nobody_in(const struct bg_cgroup *cgroup)
{
	struct worker worker;

	if (!start_worker(&worker, cgroup, NOBODY, NOBODY, 0))
		give_up("cannot start a worker");
	return worker;
}

static void grants_what_the_rules_say_and_no_more(void)
{
	struct bg_cgroup in = new_cgroup("in"), out = new_cgroup("out");
	struct worker inside = nobody_in(&in), outside = nobody_in(&out);

	expect_refused(&inside, "tcp4", "127.0.0.1", 80, EACCES);
	gate(&in, passes, "80/tcp", NULL);
	expect_bound(&inside, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_bound(&inside, "tcp6", "::1", 80, "::1", 80);
	expect_refused(&inside, "udp4", "127.0.0.1", 80, EACCES);
	expect_refused(&inside, "tcp4", "127.0.0.1", 81, EACCES);
	expect_refused(&inside, "tcp4", "127.0.0.1", 79, EACCES);
	expect_refused(&outside, "tcp4", "127.0.0.1", 80, EACCES);
	expect_bound(&inside, "tcp4", "127.0.0.1", 8080, "127.0.0.1", 8080);
	ungate(&in);
	expect_refused(&inside, "tcp4", "127.0.0.1", 80, EACCES);
	stop_worker(&inside);
	stop_worker(&outside);
}

static void denies_also_the_privileged(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker root;

	start_worker(&root, &cgroup, 0, 0, WITH_CAPS);
	expect_bound(&root, "tcp4", "127.0.0.1", 22, "127.0.0.1", 22);
	gate(&cgroup, passes, "deny:22", "deny:8000-8100/udp", NULL);
	expect_refused(&root, "tcp4", "127.0.0.1", 22, EACCES);
	expect_refused(&root, "udp6", "::1", 22, EACCES);
	expect_refused(&root, "udp4", "127.0.0.1", 8100, EACCES);
	expect_bound(&root, "tcp4", "127.0.0.1", 8100, "127.0.0.1", 8100);
	gate(&cgroup, denies, "443", NULL);
	expect_bound(&root, "tcp4", "127.0.0.1", 443, "127.0.0.1", 443);
	expect_refused(&root, "tcp4", "127.0.0.1", 8443, EACCES);
	stop_worker(&root);
}

static void nested_grants_add_up(void)
{
	struct bg_cgroup parent = new_cgroup("p"), child = new_cgroup("p/c");
	struct worker worker = nobody_in(&child);

	gate(&parent, passes, "80", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80); /* the child has no gate */
	gate(&child, passes, "443", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_bound(&worker, "tcp4", "127.0.0.1", 443, "127.0.0.1", 443);
	expect_refused(&worker, "tcp4", "127.0.0.1", 81, EACCES);
	EXPECT(read_gate(&parent)->hits[0] == 2 && read_gate(&child)->hits[0] == 1, "hits: %llu and %llu",
	       read_gate(&parent)->hits[0], read_gate(&child)->hits[0]);
	stop_worker(&worker);
}

static void nested_denies_stick(void)
{
	struct bg_cgroup parent = new_cgroup("p"), child = new_cgroup("p/c");
	struct worker worker = nobody_in(&child);

	gate(&parent, passes, "deny:80", "443", NULL);
	gate(&child, passes, "80", "deny:443", NULL);
	expect_refused(&worker, "tcp4", "127.0.0.1", 80, EACCES);
	expect_refused(&worker, "tcp4", "127.0.0.1", 443, EACCES);
	expect_refused(&worker, "tcp6", "::1", 443, EACCES);
	stop_worker(&worker);
}

static void nested_rewrites_go_from_child_to_parent(void)
{
	struct bg_cgroup parent = new_cgroup("p"), child = new_cgroup("p/c");
	struct worker worker = nobody_in(&child);

	gate(&parent, passes, "4000=80", "3000=81", "deny:82", NULL);
	gate(&child, passes, "3000=4000", "3002=82", "3003=127.0.0.2:83", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 3000, "127.0.0.1", 80);
	expect_bound(&worker, "tcp6", "::1", 3000, "::1", 80);
	expect_refused(&worker, "tcp4", "127.0.0.1", 3002, EACCES);
	expect_bound(&worker, "udp4", "127.0.0.1", 3003, "127.0.0.2", 83);
	EXPECT(read_gate(&parent)->hits[1] == 0, "the parent saw what the child had rewritten");
	stop_worker(&worker);
}

static void a_socket_keeps_the_cgroup_it_was_made_in(void)
{
	struct bg_cgroup gated = new_cgroup("gated"), other = new_cgroup("other");
	struct worker worker = nobody_in(&gated);

	gate(&gated, passes, "80", NULL);
	bind_by(&worker, "tcp4 nobind keep", "127.0.0.1", 80);
	enter_cgroup(&other, worker.pid);
	expect_refused(&worker, "tcp4", "127.0.0.1", 80, EACCES);
	expect_bound(&worker, "tcp4 old", "127.0.0.1", 80, "127.0.0.1", 80);
	bind_by(&worker, "tcp4 nobind keep", "127.0.0.1", 80);
	enter_cgroup(&gated, worker.pid);
	expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_refused(&worker, "tcp4 old", "127.0.0.1", 80, EACCES);
	stop_worker(&worker);
}

static void a_passed_socket_carries_its_cgroup(void)
{
	struct bg_cgroup gated = new_cgroup("gated"), other = new_cgroup("other");
	struct worker giver = nobody_in(&gated), taker = nobody_in(&other);
	struct call give = make_call("tcp4 nobind give", "127.0.0.1", 80),
		    take = make_call("tcp4 old", "127.0.0.1", 80);
	struct reply reply;
	int fd = -1;

	gate(&gated, passes, "80", NULL);
	call(&giver, &give, -1, &fd);
	reply = call(&taker, &take, fd, NULL);
	EXPECT(!reply.error && reply.port == 80, "a passed socket: %s", strerror(reply.error));
	expect_refused(&taker, "tcp4", "127.0.0.1", 80, EACCES);
	close(fd);
	stop_worker(&giver);
	stop_worker(&taker);
}

/* bind(2) takes AF_UNSPEC for AF_INET where the address is 0.0.0.0: who looks at user_family misses it. */
static void af_unspec_is_gated_as_ipv4(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup), root;

	start_worker(&root, &cgroup, 0, 0, WITH_CAPS);
	gate(&cgroup, passes, "0.0.0.0:80", "deny:8080", "3000=127.0.0.1:81", NULL);
	expect_bound(&worker, "tcp4 unspec", "0.0.0.0", 80, "0.0.0.0", 80);
	expect_refused(&worker, "tcp4 unspec", "0.0.0.0", 8080, EACCES);
	expect_refused(&root, "udp4 unspec", "0.0.0.0", 8080, EACCES);
	/* readdressed, it is an AF_UNSPEC bind to an address, which IPv4 does not know */
	expect_refused(&worker, "tcp4 unspec", "0.0.0.0", 3000, EAFNOSUPPORT);
	expect_bound(&worker, "tcp4", "0.0.0.0", 3000, "127.0.0.1", 81);
	stop_worker(&worker);
	stop_worker(&root);
}

static void mapped_addresses_count_as_ipv4(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);

	gate(&cgroup, passes, "127.0.0.0/8:80", "[::/0]:81", "3000=127.0.0.2:82", "3000=[fd00::1]:83", NULL);
	expect_bound(&worker, "tcp6", "::ffff:127.0.0.1", 80, "::ffff:127.0.0.1", 80);
	expect_refused(&worker, "tcp6", "::1", 80, EACCES);
	expect_bound(&worker, "tcp6", "::1", 81, "::1", 81);
	expect_refused(&worker, "tcp6", "::ffff:127.0.0.1", 81, EACCES);
	expect_refused(&worker, "tcp4", "127.0.0.1", 81, EACCES);
	expect_bound(&worker, "tcp6", "::ffff:127.0.0.1", 3000, "::ffff:127.0.0.2", 82);
	expect_bound(&worker, "udp6", "::1", 3000, "fd00::1", 83);
	expect_bound(&worker, "tcp4", "127.0.0.1", 3000, "127.0.0.2", 82);
	stop_worker(&worker);
}

static void any_is_not_any_address(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);

	gate(&cgroup, passes, "127.0.0.1:80", "[::]:81", "0.0.0.0:82", NULL);
	expect_refused(&worker, "tcp4", "0.0.0.0", 80, EACCES);
	expect_refused(&worker, "tcp6", "::", 80, EACCES);
	expect_bound(&worker, "tcp6", "::", 81, "::", 81);
	expect_refused(&worker, "tcp4", "0.0.0.0", 81, EACCES);
	expect_bound(&worker, "tcp4", "0.0.0.0", 82, "0.0.0.0", 82);
	expect_refused(&worker, "tcp6", "::", 82, EACCES);
	stop_worker(&worker);
}

static void a_dual_stack_socket_serves_both(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	gate(&cgroup, passes, "3000=80/tcp", NULL);
	expect_bound(&worker, "tcp6 listen keep", "::", 3000, "::", 80);
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	EXPECT(!connect(client, (struct sockaddr *)&to, sizeof(to)), "IPv4 connect to a dual-stack socket: %s",
	       strerror(errno));
	close(client);
	bind_by(&worker, "tcp6 old", "::", 1); /* lets go of it */
	expect_bound(&worker, "tcp6 v6only", "::", 3000, "::", 80);
	stop_worker(&worker);
}

static void mptcp_is_tcp(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);

	if (bind_by(&worker, "mptcp4", "127.0.0.1", 8080).error == EPROTONOSUPPORT) {
		stop_worker(&worker);
		skip("this kernel has no MPTCP");
		return;
	}
	gate(&cgroup, passes, "80/tcp", "81/udp", "3000=82/tcp", NULL);
	expect_bound(&worker, "mptcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_bound(&worker, "mptcp6", "::", 80, "::", 80);
	expect_refused(&worker, "mptcp4", "127.0.0.1", 81, EACCES);
	expect_bound(&worker, "mptcp6", "::1", 3000, "::1", 82);
	stop_worker(&worker);
}

static void udp_lite_is_udp(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);

	if (bind_by(&worker, "udplite4", "127.0.0.1", 8080).error == EPROTONOSUPPORT) {
		stop_worker(&worker);
		skip("this kernel has no UDP-Lite");
		return;
	}
	gate(&cgroup, passes, "80/tcp", "81/udp", "3000=82/udp", NULL);
	expect_refused(&worker, "udplite4", "127.0.0.1", 80, EACCES);
	expect_bound(&worker, "udplite4", "127.0.0.1", 81, "127.0.0.1", 81);
	expect_bound(&worker, "udplite6", "::1", 3000, "::1", 82);
	stop_worker(&worker);
}

static void rewritten_sockets_share_a_port(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker one = nobody_in(&cgroup), two = nobody_in(&cgroup);

	gate(&cgroup, passes, "3000=80", "3001=80", NULL);
	expect_bound(&one, "tcp4 reuseport listen keep", "127.0.0.1", 3000, "127.0.0.1", 80);
	expect_bound(&two, "tcp4 reuseport listen", "127.0.0.1", 3001, "127.0.0.1", 80);
	expect_refused(&two, "tcp4", "127.0.0.1", 3001, EADDRINUSE);
	stop_worker(&one);
	stop_worker(&two);
}

static void port_0_passes(void)
{
	static const char *const words[] = { "tcp4", "udp4", "tcp6", "udp6" };
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);

	gate(&cgroup, denies, "deny:any", NULL);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct reply reply = bind_by(&worker, words[i], words[i][3] == '4' ? "127.0.0.1" : "::1", 0);

		EXPECT(!reply.error && reply.port > 0, "%s to port 0: %s", words[i], strerror(reply.error));
	}
	EXPECT(read_gate(&cgroup)->bypassed_hits == 4, "%llu bypassed", read_gate(&cgroup)->bypassed_hits);
	stop_worker(&worker);
}

/* … but for the gate that says deny:0, over the protocol that it says it of. */
static void deny_0_holds(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	struct reply reply;

	gate(&cgroup, denies, "deny:0/tcp", "8080", NULL);
	expect_refused(&worker, "tcp4", "127.0.0.1", 0, EACCES);
	expect_refused(&worker, "tcp6", "::1", 0, EACCES);
	reply = bind_by(&worker, "udp4", "127.0.0.1", 0);
	EXPECT(!reply.error && reply.port > 0, "udp to port 0: %s", strerror(reply.error));
	expect_bound(&worker, "tcp4", "127.0.0.1", 8080, "127.0.0.1", 8080);
	EXPECT(read_gate(&cgroup)->hits[0] == 2, "%llu hits", read_gate(&cgroup)->hits[0]);
	EXPECT(read_gate(&cgroup)->bypassed_hits == 1, "%llu bypassed", read_gate(&cgroup)->bypassed_hits);
	gate(&cgroup, passes, "deny:0", "allow:any", NULL);
	expect_refused(&worker, "udp6", "::1", 0, EACCES);
	stop_worker(&worker);
}

/* What was passed by default stays passed when the default is another. */
static void a_new_default_moves_no_count(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	const struct bg_gate *now;

	gate(&cgroup, passes, "80", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 8080, "127.0.0.1", 8080);
	gate(&cgroup, denies, "80", NULL);
	now = read_gate(&cgroup);
	EXPECT(now->default_hits == 0, "%llu hits of a default that nothing met", now->default_hits);
	expect_refused(&worker, "tcp4", "127.0.0.1", 8080, EACCES);
	now = read_gate(&cgroup);
	EXPECT(now->default_hits == 1 && now->verdicts[BG_PASS] == 1 && now->verdicts[BG_DENY] == 1,
	       "default %llu, passed %llu, denied %llu", now->default_hits, now->verdicts[BG_PASS],
	       now->verdicts[BG_DENY]);
	stop_worker(&worker);
}

static void listening_without_bind_passes(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	struct reply reply;

	gate(&cgroup, denies, NULL);
	expect_refused(&worker, "tcp4", "127.0.0.1", 8080, EACCES);
	reply = bind_by(&worker, "tcp4 nobind listen", "127.0.0.1", 0);
	EXPECT(!reply.error, "listen without bind: %s", strerror(reply.error));
	stop_worker(&worker);
}

static void netns_host_gates_the_first_namespace_alone(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct options host = { .host = true }, host_denies = { .host = true, .denies = true };
	struct worker here = nobody_in(&cgroup), there, first;

	start_worker(&there, &cgroup, NOBODY, NOBODY, IN_NEW_NETNS);
	gate(&cgroup, host, "80", NULL);
	expect_refused(&here, "udp4", "0.0.0.0", 80, EACCES);
	expect_refused(&there, "udp4", "0.0.0.0", 80, EACCES);
	EXPECT(read_gate(&cgroup)->bypassed_hits == 2, "%llu bypassed", read_gate(&cgroup)->bypassed_hits);
	gate(&cgroup, host_denies, NULL);
	expect_bound(&here, "udp4", "0.0.0.0", 8080, "0.0.0.0", 8080);
	gate(&cgroup, passes, "80", NULL);
	expect_bound(&here, "udp4", "0.0.0.0", 80, "0.0.0.0", 80);
	expect_bound(&there, "udp4", "0.0.0.0", 80, "0.0.0.0", 80);
	if (first_netns < 0 || !start_worker(&first, &cgroup, NOBODY, NOBODY, IN_FIRST_NETNS)) {
		skip("the machine's first network namespace cannot be reached from here");
	} else {
		/* on loopback, and no address that anything of the machine's is likely to use */
		gate(&cgroup, host, "80", "3000=81", NULL);
		expect_bound(&first, "udp4", "127.99.88.77", 80, "127.99.88.77", 80);
		expect_bound(&first, "udp4", "127.99.88.77", 3000, "127.99.88.77", 81);
		gate(&cgroup, host_denies, NULL);
		expect_refused(&first, "udp4", "127.99.88.77", 8080, EACCES);
		stop_worker(&first);
	}
	stop_worker(&here);
	stop_worker(&there);
}

static void grants_to_whom_the_kernel_trusts_least(void)
{
	static const struct {
		const char *who;
		uid_t uid;
		unsigned int flags;
	} cases[] = {
		{ "nobody with no_new_privs", NOBODY, NO_NEW_PRIVS },
		{ "root without capabilities", 0, 0 },
		{ "root without capabilities and no_new_privs", 0, NO_NEW_PRIVS },
		{ "a user namespace's root", NOBODY, IN_USER_NAMESPACE },
	};
	struct bg_cgroup cgroup = new_cgroup("a");

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct worker worker;

		if (!start_worker(&worker, &cgroup, cases[i].uid, cases[i].uid, cases[i].flags)) {
			fail("cannot start %s", cases[i].who);
			continue;
		}
		expect_refused(&worker, "tcp4", "127.0.0.1", 80, EACCES);
		gate(&cgroup, passes, "80", "deny:8080", NULL);
		expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
		expect_bound(&worker, "tcp6", "::", 80, "::", 80);
		expect_refused(&worker, "tcp4", "127.0.0.1", 8080, EACCES);
		expect_refused(&worker, "tcp4", "127.0.0.1", 443, EACCES);
		ungate(&cgroup);
		EXPECT(!has_failed(), "so it was with %s", cases[i].who);
		stop_worker(&worker);
	}
}

static void rules_tell_users_apart(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker www, other, group;

	start_worker(&www, &cgroup, 33, 33, 0);
	start_worker(&other, &cgroup, 1000, 1000, 0);
	start_worker(&group, &cgroup, 1000, 33, 0);
	gate(&cgroup, passes, "80,uid=33", "81,gid=33", "82,uid=1000,gid=33", NULL);
	expect_bound(&www, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_refused(&other, "tcp4", "127.0.0.1", 80, EACCES);
	expect_bound(&www, "tcp4", "127.0.0.1", 81, "127.0.0.1", 81);
	expect_bound(&group, "tcp4", "127.0.0.1", 81, "127.0.0.1", 81);
	expect_refused(&other, "tcp4", "127.0.0.1", 81, EACCES);
	expect_bound(&group, "tcp4", "127.0.0.1", 82, "127.0.0.1", 82);
	expect_refused(&www, "tcp4", "127.0.0.1", 82, EACCES);
	stop_worker(&www);
	stop_worker(&other);
	stop_worker(&group);
}

static void auditing_denies_nothing_and_grants(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	const struct bg_gate *now;

	gate(&cgroup, (struct options){ .audit = true, .denies = true }, "80", "deny:8080", "3000=81", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_bound(&worker, "tcp4", "127.0.0.1", 8080, "127.0.0.1", 8080);
	expect_bound(&worker, "tcp4", "127.0.0.1", 9090, "127.0.0.1", 9090);
	expect_bound(&worker, "tcp4", "127.0.0.1", 3000, "127.0.0.1", 81);
	expect_refused(&worker, "tcp4", "127.0.0.1", 443, EACCES); /* as without bindgate */
	now = read_gate(&cgroup);
	EXPECT(now->verdicts[BG_DENY] == 3 && now->verdicts[BG_ALLOW] == 1 && now->verdicts[BG_REWRITE] == 1,
	       "%llu denied, %llu allowed, %llu rewritten", now->verdicts[BG_DENY], now->verdicts[BG_ALLOW],
	       now->verdicts[BG_REWRITE]);
	stop_worker(&worker);
}

/* Tries for up to `seconds`: did the bind end so before that? */
static bool comes_to(struct worker *worker, unsigned int port, int error, double seconds)
{
	double end = seconds_now() + seconds;

	do {
		if (bind_by(worker, "tcp4", "127.0.0.1", port).error == error)
			return true;
		usleep(10000);
	} while (seconds_now() < end);
	return false;
}

static void expired_rules_match_no_more(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	double start = seconds_now(), end;
	__u32 deadline;

	gate(&cgroup, passes, "80,for=2s", "deny:8080,for=2s", "3000=81,for=2s", "3000=8081", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_refused(&worker, "tcp4", "127.0.0.1", 8080, EACCES);
	expect_bound(&worker, "tcp4", "127.0.0.1", 3000, "127.0.0.1", 81);
	deadline = read_gate(&cgroup)->policy.rules[0].deadline;
	usleep(1000000);
	/* another rule comes and goes: the clock of those that stay runs on */
	gate(&cgroup, passes, "80,for=2s", "deny:8080,for=2s", "3000=81,for=2s", "3000=8081", "443", NULL);
	EXPECT(deadline && read_gate(&cgroup)->policy.rules[0].deadline == deadline, "its clock began anew");
	EXPECT(comes_to(&worker, 80, EACCES, 60), "an expired rule still grants");
	end = seconds_now() - start;
	EXPECT(end > 1.99 && end < 2.95, "for=2s lasted %.2f s", end);
	expect_bound(&worker, "tcp4", "127.0.0.1", 8080, "127.0.0.1", 8080);
	expect_bound(&worker, "tcp4", "127.0.0.1", 3000, "127.0.0.1", 8081); /* the next rule */
	expect_bound(&worker, "tcp4", "127.0.0.1", 443, "127.0.0.1", 443);
	stop_worker(&worker);
}

static void io_uring_is_gated(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	int error = bind_by(&worker, "tcp4 uring", "127.0.0.1", 8080).error;

	if (error) {
		stop_worker(&worker);
		skip(error == EINVAL ? "this kernel's io_uring has no bind (6.11)"
				     : "io_uring is switched off here");
		return;
	}
	gate(&cgroup, denies, "80", "3000=81", NULL);
	expect_bound(&worker, "tcp4 uring", "127.0.0.1", 80, "127.0.0.1", 80);
	expect_bound(&worker, "udp6 uring", "::1", 3000, "::1", 81);
	expect_refused(&worker, "tcp4 uring", "127.0.0.1", 8080, EACCES);
	stop_worker(&worker);
}

/* The kernel keeps a cgroup's storage over detach: what comes after must not find the old policy or its counts. */
static void a_new_gate_begins_anew(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker = nobody_in(&cgroup);
	const struct bg_gate *now;

	gate(&cgroup, denies, "80", NULL);
	expect_bound(&worker, "tcp4", "127.0.0.1", 80, "127.0.0.1", 80);
	ungate(&cgroup);
	gate(&cgroup, passes, "81", NULL);
	now = read_gate(&cgroup);
	EXPECT(now->hits[0] == 0 && now->verdicts[BG_ALLOW] == 0, "counts of a gate that ended");
	expect_refused(&worker, "tcp4", "127.0.0.1", 80, EACCES);
	expect_bound(&worker, "tcp4", "127.0.0.1", 8080, "127.0.0.1", 8080);
	stop_worker(&worker);
}

static void a_removed_cgroup_takes_its_gate_along(void)
{
	struct bg_cgroup cgroup = new_cgroup("gone"), other = new_cgroup("other");
	struct bg_error error;
	__u64 *ids;
	size_t count;

	gate(&cgroup, passes, "80", NULL);
	gate(&other, passes, "80", NULL);
	EXPECT(!rmdir(cgroup.path), "rmdir: %s", strerror(errno));
	EXPECT(!bg_gate_ids(&store, &ids, &count, &error), "%s", error.text);
	for (size_t i = 0; i < count; i++)
		EXPECT(ids[i] != cgroup.id, "the gate of a removed cgroup is listed");
	free(ids);
	EXPECT(bg_gate_read(&store, cgroup.id, &(struct bg_gate){ 0 }, &error) == -ESTALE, "read: %s", error.text);
	close_store();
	open_store(); /* sweeps */
	EXPECT(bg_gate_read(&store, cgroup.id, &(struct bg_gate){ 0 }, &error) == -ENOENT, "read: %s", error.text);
	ungate(&other);
}

int main(void)
{
	static const struct test tests[] = {
#define TEST(name) { #name, name }
		TEST(grants_what_the_rules_say_and_no_more),
		TEST(denies_also_the_privileged),
		TEST(nested_grants_add_up),
		TEST(nested_denies_stick),
		TEST(nested_rewrites_go_from_child_to_parent),
		TEST(a_socket_keeps_the_cgroup_it_was_made_in),
		TEST(a_passed_socket_carries_its_cgroup),
		TEST(af_unspec_is_gated_as_ipv4),
		TEST(mapped_addresses_count_as_ipv4),
		TEST(any_is_not_any_address),
		TEST(a_dual_stack_socket_serves_both),
		TEST(mptcp_is_tcp),
		TEST(udp_lite_is_udp),
		TEST(rewritten_sockets_share_a_port),
		TEST(port_0_passes),
		TEST(deny_0_holds),
		TEST(a_new_default_moves_no_count),
		TEST(listening_without_bind_passes),
		TEST(netns_host_gates_the_first_namespace_alone),
		TEST(grants_to_whom_the_kernel_trusts_least),
		TEST(rules_tell_users_apart),
		TEST(auditing_denies_nothing_and_grants),
		TEST(expired_rules_match_no_more),
		TEST(io_uring_is_gated),
		TEST(a_new_gate_begins_anew),
		TEST(a_removed_cgroup_takes_its_gate_along),
	};

	return RUN_TESTS(tests);
}
