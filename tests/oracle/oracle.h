/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TESTS_ORACLE_H
#define BINDGATE_TESTS_ORACLE_H

/*
 * What a gate should do, written a second time from the description of the rule language alone: rules tried one by one,
 * in order. It shares no code and no type with the implementation that it judges; the only thing that passes between
 * the two is rule text.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_RULES_MAX 256
#define ORACLE_TEXT_MAX 256

/* For struct oracle_answer, where no rule decided. */
#define ORACLE_DEFAULT (-1)
#define ORACLE_UNASKED (-2) /* port 0 that no rule denies, or another network namespace than the one asked for */

enum oracle_verdict {
	ORACLE_PASS,
	ORACLE_ALLOW,
	ORACLE_REWRITE,
	ORACLE_DENY,
	ORACLE_VERDICTS,
};

/* In network byte order; of IPv4 only the first four bytes count. */
struct oracle_addr {
	bool is_v6;
	uint8_t bytes[16];
};

struct oracle_rule {
	enum oracle_verdict verdict;
	unsigned int first, last; /* 0 and 0: of port 0 alone, which no other rule speaks of */
	bool tcp, udp;
	bool has_addr;
	struct oracle_addr addr;
	unsigned int prefix; /* of the address's own 32 or 128 bits */
	unsigned int to;
	bool has_target;
	struct oracle_addr target;
	bool has_uid, has_gid;
	unsigned int uid, gid;
	unsigned int seconds; /* for=; 0: none */
	uint32_t ends;        /* when it expires, on the clock of oracle_bind.now; 0: never */
};

struct oracle_policy {
	bool denies;    /* by default */
	bool host_only; /* netns=host */
	unsigned int count;
	struct oracle_rule rules[ORACLE_RULES_MAX];
};

enum oracle_protocol {
	ORACLE_TCP, /* MPTCP too */
	ORACLE_UDP, /* UDP-Lite too */
	ORACLE_OTHER,
};

struct oracle_bind {
	struct oracle_addr addr; /* is_v6: an AF_INET6 socket, whatever is mapped into the address */
	unsigned int port;
	enum oracle_protocol protocol;
	unsigned int uid, gid;
	uint32_t now;
	bool foreign_netns; /* the socket is not in the machine's first network namespace */
};

struct oracle_answer {
	enum oracle_verdict verdict;
	int rule;                /* its index, ORACLE_DEFAULT or ORACLE_UNASKED */
	struct oracle_addr addr; /* what the kernel is left with */
	unsigned int port;
};

struct oracle_answer oracle_ask(const struct oracle_policy *policy, const struct oracle_bind *bind);

/* Does the address count as IPv4: an AF_INET one, or one that is mapped into IPv6? */
bool oracle_counts_as_v4(const struct oracle_addr *addr);

/* ::ffff:a.b.c.d of an IPv4 address. */
struct oracle_addr oracle_mapped(const struct oracle_addr *v4);

/* Random numbers that a seed repeats. */
uint64_t oracle_random(uint64_t *seed);
unsigned int oracle_below(uint64_t *seed, unsigned int limit); /* 0 to limit - 1 */
bool oracle_chance(uint64_t *seed, unsigned int percent);

/* A random policy of `count` rules. */
void oracle_make_policy(uint64_t *seed, unsigned int count, struct oracle_policy *out);

/* A random bind, likely near some rule's edge. uid and gid are drawn from those that rules name. */
void oracle_make_bind(uint64_t *seed, const struct oracle_policy *policy, struct oracle_bind *out);

/* One of the ways to write the rule. Returns `text`. */
const char *oracle_print(uint64_t *seed, const struct oracle_rule *rule, char text[static ORACLE_TEXT_MAX]);

/* The users that rules name and binds come from. */
struct oracle_user {
	unsigned int uid, gid;
};
#define ORACLE_USERS 5
extern const struct oracle_user oracle_users[ORACLE_USERS];

/* The addresses that rules name and binds ask for. The kernel has the first ORACLE_LOCAL of each list if the test gave
 * them to it; the first is "any". */
#define ORACLE_ADDRS 7
#define ORACLE_LOCAL 4
extern const char *const oracle_v4[ORACLE_ADDRS];
extern const char *const oracle_v6[ORACLE_ADDRS];

/* Is the address among the local ones (or all zero)? A mapped one is looked up as IPv4. */
bool oracle_is_local(const struct oracle_addr *addr);

#endif
