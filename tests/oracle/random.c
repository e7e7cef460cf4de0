// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "oracle.h"

#include <arpa/inet.h>
#include <string.h>

/* 255.255.255.254 and the like would be broadcast or multicast, which bind has rules of its own for. */
const char *const oracle_v4[ORACLE_ADDRS] = { "0.0.0.0",  "127.0.0.1", "127.0.0.2", "10.1.2.3",
					      "10.1.2.4", "10.9.0.1",  "192.0.2.1" };
const char *const oracle_v6[ORACLE_ADDRS] = {
	"::", "::1", "fd00::1", "fd00:1:2:3::4", "fd00::2", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
};

const struct oracle_user oracle_users[ORACLE_USERS] = {
	{ 0, 0 }, { 33, 33 }, { 1000, 1000 }, { 1000, 2000 }, { 65534, 65534 },
};

/* Where rules begin and end: often the same few, so that rules overlap and touch. */
static const unsigned int hot_ports[] = {
	1, 2, 22, 53, 79, 80, 81, 443, 1023, 1024, 1025, 3000, 8080, 65534, 65535
};

/* splitmix64 */
uint64_t oracle_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

unsigned int oracle_below(uint64_t *seed, unsigned int limit)
{
	return (unsigned int)((oracle_random(seed) >> 32) * limit >> 32);
}

bool oracle_chance(uint64_t *seed, unsigned int percent)
{
	return oracle_below(seed, 100) < percent;
}

static unsigned int hot_port(uint64_t *seed)
{
	return hot_ports[oracle_below(seed, sizeof(hot_ports) / sizeof(*hot_ports))];
}

static struct oracle_addr random_addr(uint64_t *seed, bool is_v6)
{
	struct oracle_addr addr = { .is_v6 = is_v6 };
	/* The local ones more often: of the others a bind says little. */
	unsigned int i = oracle_below(seed, oracle_chance(seed, 75) ? ORACLE_LOCAL : ORACLE_ADDRS);

	inet_pton(is_v6 ? AF_INET6 : AF_INET, is_v6 ? oracle_v6[i] : oracle_v4[i], addr.bytes);
	return addr;
}

static void mask(struct oracle_addr *addr, unsigned int prefix)
{
	for (unsigned int i = prefix; i < 128; i++)
		addr->bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static void make_ports(uint64_t *seed, struct oracle_rule *rule)
{
	unsigned int a = oracle_chance(seed, 70) ? hot_port(seed) : 1 + oracle_below(seed, 65535);
	unsigned int b = oracle_chance(seed, 60) ? hot_port(seed) : 1 + oracle_below(seed, 65535);

	if (oracle_chance(seed, 8)) {
		a = 1;
		b = 65535;
	} else if (oracle_chance(seed, 15)) {
		b = a < 65500 ? a + oracle_below(seed, 30) : a;
	} else if (oracle_chance(seed, 55)) {
		b = a;
	}
	rule->first = a < b ? a : b;
	rule->last = a < b ? b : a;
}

static void make_addr(uint64_t *seed, struct oracle_rule *rule)
{
	static const unsigned int v4_prefixes[] = { 0, 7, 8, 24, 30, 31, 32, 32, 32, 32 };
	static const unsigned int v6_prefixes[] = { 0, 8, 16, 63, 64, 65, 96, 127, 128, 128, 128, 128 };

	rule->has_addr = true;
	rule->addr = random_addr(seed, oracle_chance(seed, 50));
	if (rule->addr.is_v6)
		rule->prefix = v6_prefixes[oracle_below(seed, sizeof(v6_prefixes) / sizeof(*v6_prefixes))];
	else
		rule->prefix = v4_prefixes[oracle_below(seed, sizeof(v4_prefixes) / sizeof(*v4_prefixes))];
	mask(&rule->addr, rule->prefix);
}

static void make_target(uint64_t *seed, struct oracle_rule *rule)
{
	unsigned int room = 65535 - (rule->last - rule->first);

	rule->to = oracle_chance(seed, 70) ? hot_port(seed) : 1 + oracle_below(seed, 65535);
	if (rule->to > room)
		rule->to = 1 + oracle_below(seed, room);
	rule->has_target = oracle_chance(seed, 45);
	if (rule->has_target) /* of another family than the rule's address it could never match */
		rule->target = random_addr(seed, rule->has_addr ? rule->addr.is_v6 : oracle_chance(seed, 50));
}

static void make_rule(uint64_t *seed, struct oracle_rule *rule)
{
	unsigned int verdict = oracle_below(seed, 100), protocol = oracle_below(seed, 4);

	*rule = (struct oracle_rule){ .tcp = protocol != 0, .udp = protocol != 1 };
	rule->verdict = verdict < 35   ? ORACLE_ALLOW
			: verdict < 65 ? ORACLE_REWRITE
			: verdict < 82 ? ORACLE_DENY
				       : ORACLE_PASS;
	if (oracle_chance(seed, 4)) { /* deny:0, or of one protocol */
		rule->verdict = ORACLE_DENY;
		return;
	}
	make_ports(seed, rule);
	if (oracle_chance(seed, 45))
		make_addr(seed, rule);
	if (rule->verdict == ORACLE_REWRITE)
		make_target(seed, rule);
	rule->has_uid = oracle_chance(seed, 15);
	if (rule->has_uid)
		rule->uid = oracle_users[oracle_below(seed, ORACLE_USERS)].uid;
	rule->has_gid = oracle_chance(seed, 12);
	if (rule->has_gid)
		rule->gid = oracle_users[oracle_below(seed, ORACLE_USERS)].gid;
	if (oracle_chance(seed, 8))
		rule->seconds = 3600 + oracle_below(seed, 3 * 3600);
}

void oracle_make_policy(uint64_t *seed, unsigned int count, struct oracle_policy *out)
{
	*out = (struct oracle_policy){ .denies = oracle_chance(seed, 40), .count = count };
	for (unsigned int i = 0; i < count; i++)
		make_rule(seed, &out->rules[i]);
}

void oracle_make_bind(uint64_t *seed, const struct oracle_policy *policy, struct oracle_bind *out)
{
	const struct oracle_rule *near = policy->count ? &policy->rules[oracle_below(seed, policy->count)] : NULL;
	const struct oracle_user *user = &oracle_users[oracle_below(seed, ORACLE_USERS)];
	unsigned int port = hot_port(seed);

	if (near && oracle_chance(seed, 70))
		port = (oracle_chance(seed, 50) ? near->first : near->last) + oracle_below(seed, 3) - 1;
	else if (oracle_chance(seed, 30))
		port = oracle_below(seed, 65536);
	if (oracle_chance(seed, 5))
		port = 0;

	*out = (struct oracle_bind){
		.addr = random_addr(seed, oracle_chance(seed, 50)),
		.port = port & 0xffff,
		.protocol = oracle_chance(seed, 50) ? ORACLE_TCP : ORACLE_UDP,
		.uid = user->uid,
		.gid = user->gid,
	};
	if (near && near->has_addr && oracle_chance(seed, 25))
		out->addr = near->addr;
	if (!out->addr.is_v6 && oracle_chance(seed, 30))
		out->addr = oracle_mapped(&out->addr);
}
