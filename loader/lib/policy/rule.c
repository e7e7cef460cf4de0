// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/rule.h"
#include "policy/qualifier.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *bg_verdict_name(__u8 verdict)
{
	static const char *const names[BG_VERDICTS] = { "pass", "allow", "rewrite", "deny" };

	return verdict < BG_VERDICTS ? names[verdict] : "?";
}

const char *bg_protocol_name(__u8 protocol)
{
	static const char *const names[BG_PROTOCOLS] = { "tcp", "udp" };

	return protocol < BG_PROTOCOLS ? names[protocol] : "?";
}

bool bg_rule_is_plain(const struct bg_rule *rule)
{
	for (int i = 0; i < BG_QUALIFIERS; i++)
		if (bg_qualifier_has(&bg_qualifiers[i], rule))
			return false;
	return (rule->flags & BG_RULE_FAMILIES) == BG_RULE_FAMILIES && !(rule->flags & BG_RULE_ADDR);
}

/* A text that is appended to. What does not fit is cut off. */
struct text {
	char *at;
	size_t left;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->at, text->left, format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length >= text->left)
		length = (int)text->left - 1;
	text->at += length;
	text->left -= (size_t)length;
}

static void put_addr(struct text *text, const struct bg_addr *addr, unsigned int prefix)
{
	bool ip4 = bg_addr_is_ip4(addr) && prefix >= 96;
	unsigned int length = ip4 ? prefix - 96 : prefix;
	char name[INET6_ADDRSTRLEN];

	put(text, ip4 ? "%s" : "[%s", bg_addr_print(addr, name));
	if (prefix < 128)
		put(text, "/%u", length);
	put(text, ip4 ? ":" : "]:");
}

static void put_ports(struct text *text, const struct bg_rule *rule)
{
	if (rule->first == 1 && rule->last == 65535)
		put(text, "any");
	else if (rule->first == rule->last)
		put(text, "%u", rule->first);
	else
		put(text, "%u-%u", rule->first, rule->last);
}

const char *bg_rule_print(const struct bg_rule *rule, char out[static BG_RULE_TEXT_MAX])
{
	struct text text = { .at = out, .left = BG_RULE_TEXT_MAX };
	char value[BG_QUALIFIER_TEXT_MAX];

	*out = '\0';
	if (rule->verdict != BG_ALLOW && rule->verdict != BG_REWRITE)
		put(&text, "%s:", bg_verdict_name(rule->verdict));
	if (rule->flags & BG_RULE_ADDR)
		put_addr(&text, &rule->addr, rule->prefix);
	put_ports(&text, rule);
	if (rule->verdict == BG_REWRITE) {
		put(&text, "=");
		if (rule->flags & BG_RULE_TARGET)
			put_addr(&text, &rule->target, 128);
		put(&text, "%u", rule->to);
	}
	if ((rule->flags & BG_RULE_PROTOCOLS) != BG_RULE_PROTOCOLS)
		put(&text, rule->flags & BG_RULE_TCP ? "/tcp" : "/udp");
	for (int i = 0; i < BG_QUALIFIERS; i++) {
		if (!bg_qualifier_has(&bg_qualifiers[i], rule))
			continue;
		bg_qualifiers[i].print(bg_qualifier_operand(&bg_qualifiers[i], rule), value);
		put(&text, ",%s%s", bg_qualifiers[i].key, value);
	}
	return out;
}

bool bg_rule_same(const struct bg_rule *a, const struct bg_rule *b)
{
	return a->verdict == b->verdict && a->flags == b->flags && a->prefix == b->prefix && a->first == b->first &&
	       a->last == b->last && a->to == b->to && a->addr.hi == b->addr.hi && a->addr.lo == b->addr.lo &&
	       a->target.hi == b->target.hi && a->target.lo == b->target.lo && a->uid == b->uid &&
	       a->gid == b->gid && a->seconds == b->seconds;
}

static bool addr_covers(const struct bg_rule *a, const struct bg_rule *b)
{
	struct bg_addr net = b->addr;

	if (!(a->flags & BG_RULE_ADDR))
		return true;
	if (!(b->flags & BG_RULE_ADDR) || b->prefix < a->prefix)
		return false;
	bg_addr_mask(&net, a->prefix);
	return net.hi == a->addr.hi && net.lo == a->addr.lo;
}

bool bg_rule_covers(const struct bg_rule *a, const struct bg_rule *b)
{
	__u8 kinds = b->flags & (BG_RULE_PROTOCOLS | BG_RULE_FAMILIES);

	return a->first <= b->first && a->last >= b->last && (a->flags & kinds) == kinds && addr_covers(a, b) &&
	       bg_qualifiers_cover(a, b);
}

static bool addrs_overlap(const struct bg_rule *a, const struct bg_rule *b)
{
	const __u8 prefix = a->prefix < b->prefix ? a->prefix : b->prefix;
	struct bg_addr x = a->addr, y = b->addr;

	if (!(a->flags & BG_RULE_ADDR) || !(b->flags & BG_RULE_ADDR))
		return true;
	bg_addr_mask(&x, prefix);
	bg_addr_mask(&y, prefix);
	return x.hi == y.hi && x.lo == y.lo;
}

bool bg_rule_overlaps(const struct bg_rule *a, const struct bg_rule *b)
{
	const __u8 both = a->flags & b->flags;

	return a->first <= b->last && b->first <= a->last && (both & BG_RULE_PROTOCOLS) &&
	       (both & BG_RULE_FAMILIES) && addrs_overlap(a, b) && (!(both & BG_RULE_UID) || a->uid == b->uid) &&
	       (!(both & BG_RULE_GID) || a->gid == b->gid);
}

__u32 bg_rule_seconds_left(const struct bg_rule *rule, __u32 now)
{
	__u64 ns;

	if (rule->deadline <= now)
		return 0;
	ns = (__u64)(rule->deadline - now) << BG_TICK_SHIFT;
	ns = (ns + 999999999) / 1000000000;
	return ns > rule->seconds ? rule->seconds : (__u32)ns;
}
