// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The rule language: every form of it, its one canonical text, and what is said of what is none. */
#include "policy/rule.h"
#include "policy/parser.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	const char *canonical;
} valid[] = {
	{ "80", "80" },
	{ "80-80", "80" },
	{ "1-65535", "any" },
	{ "any", "any" },
	{ "any/tcp", "any/tcp" },
	{ "443/tcp", "443/tcp" },
	{ "8000-8100/udp", "8000-8100/udp" },
	{ "allow:80", "80" },
	{ "deny:22", "deny:22" },
	{ "pass:any/udp", "pass:any/udp" },
	{ "*:80", "80" },
	{ "deny:*:80", "deny:80" },
	{ "127.0.0.1:53/udp", "127.0.0.1:53/udp" },
	{ "127.0.0.1/32:53", "127.0.0.1:53" },
	{ "10.1.2.3/8:80", "10.0.0.0/8:80" },
	{ "0.0.0.0/0:80", "0.0.0.0/0:80" },
	{ "0.0.0.0:80", "0.0.0.0:80" },
	{ "[::1]:80", "[::1]:80" },
	{ "[::]:80", "[::]:80" },
	{ "[::/0]:80", "[::/0]:80" },
	{ "[2001:db8:1::5/32]:80-90/tcp", "[2001:db8::/32]:80-90/tcp" },
	{ "[::1/128]:80", "[::1]:80" },
	{ "[::ffff:1.2.3.4]:80", "1.2.3.4:80" },
	{ "[::ffff:1.2.3.4/104]:80", "1.0.0.0/8:80" },
	{ "[::ffff:0:0/96]:80", "0.0.0.0/0:80" },
	{ "[::ffff:0:0/95]:80", "[::fffe:0:0/95]:80" },
	{ "3000=80/tcp", "3000=80/tcp" },
	{ "3000/tcp=80", "3000=80/tcp" },
	{ "allow:3000=80", "3000=80" },
	{ "80=127.0.0.1:8080", "80=127.0.0.1:8080" },
	{ "80=*:8080", "80=8080" },
	{ "80=[::1]:8080/tcp", "80=[::1]:8080/tcp" },
	{ "[::1]:80=[fd00::1]:8080", "[::1]:80=[fd00::1]:8080" },
	{ "127.0.0.1/tcp:80", NULL },
	{ "127.0.0.0/8:80=127.0.0.1:8080/udp", "127.0.0.0/8:80=127.0.0.1:8080/udp" },
	{ "8000-8010=9000", "8000-8010=9000" },
	{ "any=1", "any=1" },
	{ "80=80", "80=80" },
	{ "80/tcp,uid=0", "80/tcp,uid=0" },
	{ "deny:0", "deny:0" },
	{ "deny:*:00/udp", "deny:0/udp" },
	{ "80/tcp,uid=root", "80/tcp,uid=0" },
	{ "80,gid=daemon,uid=daemon", "80,uid=1,gid=1" },
	{ "25,for=10m", "25,for=10m" },
	{ "25,for=600s", "25,for=10m" },
	{ "25,for=3600s", "25,for=1h" },
	{ "25,for=90m", "25,for=90m" },
	{ "25,for=30s,uid=4294967294", "25,uid=4294967294,for=30s" },
	{ "deny:10.0.0.0/8:1-1023/tcp,uid=7,gid=8,for=2h", "deny:10.0.0.0/8:1-1023/tcp,uid=7,gid=8,for=2h" },
};

static void parses_and_prints_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++) {
		struct bg_error error = { "" };
		struct bg_rule rule, again;
		char text[BG_RULE_TEXT_MAX], twice[BG_RULE_TEXT_MAX];
		int err = bg_rule_parse(valid[i].text, &rule, &error);

		if (!valid[i].canonical) {
			assert_int_equal(err, -EINVAL);
			continue;
		}
		if (err)
			fail_msg("%s: %s", valid[i].text, error.text);
		assert_string_equal(bg_rule_print(&rule, text), valid[i].canonical);
		assert_int_equal(bg_rule_parse(text, &again, &error), 0);
		assert_true(bg_rule_same(&rule, &again));
		assert_string_equal(bg_rule_print(&again, twice), text);
	}
}

static const struct {
	const char *text;
	const char *says;
} invalid[] = {
	{ "", "a rule is empty" },
	{ "0", "rule \"0\": port 0 needs no rule: a bind to it passes, and only deny:0 denies it" },
	{ "pass:0", "rule \"pass:0\": port 0 needs no rule: a bind to it passes, and only deny:0 denies it" },
	{ "deny:0-80", "rule \"deny:0-80\": port 0 needs no rule: a bind to it passes, and only deny:0 denies it" },
	{ "deny:127.0.0.1:0", "rule \"deny:127.0.0.1:0\": deny:0 has no address" },
	{ "deny:0,uid=5", "rule \"deny:0,uid=5\": deny:0 has no uid=" },
	{ "80=0", "rule \"80=0\": a bind cannot be rewritten to port 0" },
	{ "0-80", "rule \"0-80\": port 0 needs no rule: a bind to it passes, and only deny:0 denies it" },
	{ "65536", "rule \"65536\": port 65536 is too high: ports are 1 to 65535" },
	{ "99999999999999999999",
	  "rule \"99999999999999999999\": port 99999999999999999999 is too high: ports are 1 to 65535" },
	{ "80-79", "rule \"80-79\": the range goes down: did you mean 79-80?" },
	{ "80/sctp", "rule \"80/sctp\": \"sctp\" is no protocol that can be gated: tcp or udp" },
	{ "80/", "rule \"80/\": \"\" is no protocol that can be gated: tcp or udp" },
	{ "80/tcp/udp", "rule \"80/tcp/udp\": \"80/tcp\" is not a port" },
	{ "80/tcp=90/udp", "rule \"80/tcp=90/udp\": the protocol stands there twice" },
	{ "http", "rule \"http\": \"http\" is not a port" },
	{ "+80", "rule \"+80\": \"+80\" is not a port" },
	{ "-80", "rule \"-80\": a port is missing" },
	{ "3000-",
	  "rule \"3000-\": the range has no end (a rewrite is written 3000=80; of 3000->80 the shell takes >80 away)" },
	{ "1.2.3.4.5:80", "rule \"1.2.3.4.5:80\": \"1.2.3.4.5\" is not an IPv4 address" },
	{ "1.2.3.4/33:80", "rule \"1.2.3.4/33:80\": /33 is no prefix length: IPv4 has /0 to /32" },
	{ "[::1/129]:80", "rule \"[::1/129]:80\": /129 is no prefix length: IPv6 has /0 to /128" },
	{ "[::g]:80", "rule \"[::g]:80\": \"::g\" is not an IPv6 address" },
	{ "::1:80", "rule \"::1:80\": an IPv6 address stands in brackets, as in [::1]:80" },
	{ "[::1:80", "rule \"[::1:80\": a ] is missing" },
	{ "[::1]80", "rule \"[::1]80\": after ] comes a colon and the ports, as in [::1]:80" },
	{ ":80", "rule \":80\": an address is missing before the colon" },
	{ "127.0.0.1:", "rule \"127.0.0.1:\": a port is missing" },
	{ "deny:3000=80", "rule \"deny:3000=80\": only an allow can rewrite: leave deny or = away" },
	{ "rewrite:3000", "rule \"rewrite:3000\": a rewrite is written with =, as in 3000=80" },
	{ "3000=", "rule \"3000=\": a port is missing" },
	{ "3000=80-90",
	  "rule \"3000=80-90\": after = stands one port: a range keeps its offset, as in 8000-8010=9000" },
	{ "any=8080",
	  "rule \"any=8080\": a range keeps its offset, and port 65535 would become 73614: ports end at 65535" },
	{ "80=127.0.0.0/8:80", "rule \"80=127.0.0.0/8:80\": \"127.0.0.0/8\" is not an IPv4 address" },
	{ "127.0.0.1:80=[::1]:80", "rule \"127.0.0.1:80=[::1]:80\": a bind cannot change from IPv4 to IPv6" },
	{ "[::1]:80=1.2.3.4:80", "rule \"[::1]:80=1.2.3.4:80\": a bind cannot change from IPv6 to IPv4" },
	{ "80,uid=nosuchuser", "rule \"80,uid=nosuchuser\": there is no user \"nosuchuser\" here" },
	{ "80,gid=nosuchgroup", "rule \"80,gid=nosuchgroup\": there is no group \"nosuchgroup\" here" },
	{ "80,uid=4294967295", "rule \"80,uid=4294967295\": there is no user \"4294967295\" here" },
	{ "80,uid=-1", "rule \"80,uid=-1\": there is no user \"-1\" here" },
	{ "80,uid=1,uid=2", "rule \"80,uid=1,uid=2\": uid= stands there twice" },
	{ "80,for=10",
	  "rule \"80,for=10\": a duration is a number with s, m or h after it, such as 30s, 10m or 2h" },
	{ "80,for=0s", "rule \"80,for=0s\": a duration is between 1s and 8 years (70080h)" },
	{ "80,for=70081h", "rule \"80,for=70081h\": a duration is between 1s and 8 years (70080h)" },
	{ "80,for=1s,for=2s", "rule \"80,for=1s,for=2s\": for= stands there twice" },
	{ "80,443", "rule \"80,443\": \"443\" is not one of uid=, gid=, for= (rules are separated by spaces)" },
	{ "80,", "rule \"80,\": \"\" is not one of uid=, gid=, for= (rules are separated by spaces)" },
	{ "80\n90", "rule \"80…\": character 3 is not one that a rule can have" },
	{ "80 90", "rule \"80…\": character 3 is not one that a rule can have" },
	{ "8\xff", "rule \"8…\": character 2 is not one that a rule can have" },
};

static void says_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++) {
		struct bg_rule rule, untouched;
		struct bg_error error = { "" };

		memset(&untouched, 0x5a, sizeof(untouched));
		rule = untouched;
		assert_int_equal(bg_rule_parse(invalid[i].text, &rule, &error), -EINVAL);
		assert_string_equal(error.text, invalid[i].says);
		assert_memory_equal(&rule, &untouched, sizeof(rule));
		assert_int_equal(bg_rule_parse(invalid[i].text, &rule, NULL), -EINVAL);
	}
}

static void refuses_what_is_too_long(void **state)
{
	static char text[200001];
	struct bg_error error;
	struct bg_rule rule;

	(void)state;
	memset(text, '8', sizeof(text) - 1);
	assert_int_equal(bg_rule_parse(text, &rule, &error), -EINVAL);
	assert_string_equal(error.text, "rule \"888888888888888888888888…\" is longer than 255 characters");
}

static __u32 pick(__u32 below)
{
	return (__u32)random() % below;
}

static struct bg_rule random_rule(void)
{
	struct bg_rule rule = { .verdict = (__u8)pick(BG_VERDICTS), .flags = (__u16)(1 + pick(3)) };
	bool ip4 = pick(2);

	rule.first = (__u16)(1 + pick(65535));
	rule.last = pick(2) ? rule.first : (__u16)(rule.first + pick(65536U - rule.first));
	rule.flags |= BG_RULE_FAMILIES;
	if (pick(2)) {
		rule.flags = (__u16)((rule.flags & ~BG_RULE_FAMILIES) | BG_RULE_ADDR |
				     (ip4 ? BG_RULE_IP4 : BG_RULE_IP6));
		rule.prefix = (__u8)(ip4 ? 96 + pick(33) : pick(129));
		rule.addr.hi = ip4 ? 0 : 0x2001ULL << 48 | (__u64)random();
		rule.addr.lo = (ip4 ? 0xffff00000000ULL : 0) | (__u64)random();
		bg_addr_mask(&rule.addr, rule.prefix);
	}
	if (rule.verdict == BG_REWRITE) {
		rule.to = (__u16)(1 + pick(65535U - (unsigned int)(rule.last - rule.first)));
		if (pick(2)) {
			rule.flags = (__u16)((rule.flags & ~BG_RULE_FAMILIES) | BG_RULE_TARGET |
					     (ip4 ? BG_RULE_IP4 : BG_RULE_IP6));
			rule.target.hi = ip4 ? 0 : 0xfdULL << 56;
			rule.target.lo = (ip4 ? 0xffff00000000ULL : 0) | pick(1 << 30);
		}
	}
	if (!pick(4)) {
		rule.flags |= BG_RULE_UID;
		rule.uid = (__u32)random();
	}
	if (!pick(4)) {
		rule.flags |= BG_RULE_GID;
		rule.gid = (__u32)random();
	}
	if (!pick(4)) {
		rule.flags |= BG_RULE_FOR;
		rule.seconds = 1 + pick(8U * 365 * 24 * 3600);
	}
	return rule;
}

static void any_rule_survives_its_text(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct bg_rule rule = random_rule(), again;
		char text[BG_RULE_TEXT_MAX];
		struct bg_error error;

		if (bg_rule_parse(bg_rule_print(&rule, text), &again, &error))
			fail_msg("%s: %s", text, error.text);
		if (!bg_rule_same(&rule, &again))
			fail_msg("%s came back as another rule", text);
	}
}

/* Texts a few characters away from a valid one: no crash, and what parses survives its text. */
static void damaged_texts_do_no_harm(void **state)
{
	static const char alphabet[] = "0123456789:/-,=[].*anyudtcpfor";

	(void)state;
	for (int i = 0; i < 300000; i++) {
		char text[300], canonical[BG_RULE_TEXT_MAX];
		struct bg_rule rule, again;

		snprintf(text, sizeof(text), "%s", valid[pick(sizeof(valid) / sizeof(*valid))].text);
		for (unsigned int k = 0; k < 1 + pick(4); k++)
			text[pick((__u32)strlen(text) + 1)] = alphabet[pick(sizeof(alphabet) - 1)];
		text[sizeof(text) - 1] = '\0';
		if (bg_rule_parse(text, &rule, NULL))
			continue;
		assert_int_equal(bg_rule_parse(bg_rule_print(&rule, canonical), &again, NULL), 0);
		assert_true(bg_rule_same(&rule, &again));
	}
}

static void prints_any_garbage(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct bg_rule rule = { 0 };
		char text[BG_RULE_TEXT_MAX];

		for (size_t k = 0; k < sizeof(rule); k++)
			((unsigned char *)&rule)[k] = (unsigned char)random();
		bg_rule_print(&rule, text);
		assert_true(strlen(text) < sizeof(text));
	}
}

static const struct {
	const char *a;
	const char *b;
	bool covers;
} coverage[] = {
	{ "80", "80/tcp", true },
	{ "80/tcp", "80", false },
	{ "any", "[::1]:80,uid=3", true },
	{ "1-1023", "80-1024", false },
	{ "10.0.0.0/8:80", "10.1.0.0/16:80", true },
	{ "10.1.0.0/16:80", "10.0.0.0/8:80", false },
	{ "0.0.0.0/0:80", "80", false },
	{ "0.0.0.0/0:80", "1.2.3.4:80", true },
	{ "[::/0]:80", "1.2.3.4:80", false },
	{ "80,uid=1", "80,uid=1,gid=2", true },
	{ "80,uid=1", "80,uid=2", false },
	{ "80,for=1h", "80", false },
	{ "80=127.0.0.1:81", "127.0.0.1:80", true },
	{ "80=127.0.0.1:81", "80", false },
};

static void knows_what_covers_what(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(coverage) / sizeof(*coverage); i++) {
		struct bg_rule a, b;

		assert_int_equal(bg_rule_parse(coverage[i].a, &a, NULL), 0);
		assert_int_equal(bg_rule_parse(coverage[i].b, &b, NULL), 0);
		if (bg_rule_covers(&a, &b) != coverage[i].covers)
			fail_msg("%s covers %s: %d", coverage[i].a, coverage[i].b, !coverage[i].covers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_prints_back),   cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(refuses_what_is_too_long), cmocka_unit_test(any_rule_survives_its_text),
		cmocka_unit_test(damaged_texts_do_no_harm), cmocka_unit_test(prints_any_garbage),
		cmocka_unit_test(knows_what_covers_what),
	};

	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
