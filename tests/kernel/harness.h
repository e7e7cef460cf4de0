/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TESTS_HARNESS_H
#define BINDGATE_TESTS_HARNESS_H

/*
 * What the tests on the running kernel share: results in TAP, a network namespace and cgroups of their own, gates, and
 * workers that bind on command. Whatever ends a test, nothing of it is left behind.
 */
#include "gate/gate.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Runs all of them; returns what main is to return. */
int run_tests(const struct test *tests, size_t count);
#define RUN_TESTS(tests) run_tests(tests, sizeof(tests) / sizeof(*(tests)))

/* Fails the running test, which goes on. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The running test cannot be done here. It is to return after this. */
void skip(const char *why);
/* Something that the tests need does not work: ends them all. */
void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
bool has_failed(void);

#define EXPECT(condition, ...)             \
	do {                               \
		if (!(condition))          \
			fail(__VA_ARGS__); \
	} while (0)

unsigned long env_number(const char *name, unsigned long otherwise);
double seconds_now(void);

/* The pin directory, open for writing and loaded. */
extern struct bg_store store;
void open_store(void);
void close_store(void);

/* A cgroup below the tests' own: "a", "a/b". Made anew: what one of that name held before is gone. */
struct bg_cgroup new_cgroup(const char *name);
void enter_cgroup(const struct bg_cgroup *cgroup, pid_t pid);

struct options {
	bool denies; /* by default */
	bool host;   /* netns=host */
	bool audit;
};

/* Makes the rules (up to a NULL) the cgroup's whole policy. */
void gate(const struct bg_cgroup *cgroup, struct options options, ...) __attribute__((sentinel));
void gate_policy(const struct bg_cgroup *cgroup, const struct bg_policy *policy);
void ungate(const struct bg_cgroup *cgroup);
struct bg_gate *read_gate(const struct bg_cgroup *cgroup); /* good until it is called again */

enum worker_flags {
	WITH_CAPS = 1 << 0, /* keeps root's capabilities; else nobody has any */
	NO_NEW_PRIVS = 1 << 1,
	IN_USER_NAMESPACE = 1 << 2, /* root of one of its own */
	IN_NEW_NETNS = 1 << 3,
	IN_FIRST_NETNS = 1 << 4, /* with first_netns */
};

struct worker {
	pid_t pid;
	int fd;
};

/* Starts a process in the cgroup that does what call() sends it. It dies with the test. false: the kernel does not
 * let it be so (user namespaces switched off, say). */
bool start_worker(struct worker *worker, const struct bg_cgroup *cgroup, uid_t uid, gid_t gid, unsigned int flags);
void stop_worker(struct worker *worker);
/* The machine's first network namespace; -1: not to be told from here. */
extern int first_netns;

enum call_flags {
	CALL_V6ONLY = 1 << 0,
	CALL_REUSEPORT = 1 << 1,
	CALL_URING = 1 << 2,      /* through io_uring */
	CALL_OLD_SOCKET = 1 << 3, /* on the socket that it kept, or was sent */
	CALL_KEEP = 1 << 4,       /* keeps the socket, else it is closed */
	CALL_NO_BIND = 1 << 5,
	CALL_LISTEN = 1 << 6,
	CALL_GIVE = 1 << 7, /* the reply brings the socket */
};

struct call {
	unsigned int flags;
	int family, type, protocol;
	socklen_t length;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
};

struct reply {
	int error;            /* errno of what failed first */
	struct in6_addr addr; /* after the bind; IPv4 in its first bytes */
	unsigned int port;
};

/* `send_fd` goes along as the worker's old socket; *got_fd is what CALL_GIVE brings. -1 and NULL for none. */
struct reply call(struct worker *worker, const struct call *call, int send_fd, int *got_fd);

/*
 * A call from words: tcp, udp, udplite, mptcp or sctp, with 4 or 6 after it; then any of v6only, reuseport, uring, old,
 * keep, nobind, listen, give, unspec (AF_UNSPEC in the address): "tcp6 v6only keep".
 */
struct call make_call(const char *words, const char *addr, unsigned int port);
struct reply bind_by(struct worker *worker, const char *words, const char *addr, unsigned int port);

/* Binds and fails the test if it ends otherwise. */
void expect_refused(struct worker *worker, const char *words, const char *addr, unsigned int port, int error);
void expect_bound(struct worker *worker, const char *words, const char *addr, unsigned int port, const char *given,
		  unsigned int actual_port);

#endif
