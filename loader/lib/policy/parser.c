// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/parser.h"

#include "policy/number.h"
#include "policy/qualifier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 255
#define PORT_MAX 65535
#define IP4_BITS 96 /* where IPv4's 32 bits begin in an address */

/* One parse: the rule as it was written, and where to say what is wrong with it. */
struct parse {
	const char *whole;
	struct bg_rule rule;
	struct bg_error *error;
};

static int __attribute__((format(printf, 2, 3))) fail(const struct parse *parse, const char *format, ...)
{
	char reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return bg_error(parse->error, -EINVAL, "rule \"%s\": %s", parse->whole, reason);
}

static int read_port(const struct parse *parse, const char *text, __u16 *out)
{
	unsigned long value;

	if (!*text)
		return fail(parse, "a port is missing");
	if (strspn(text, "0123456789") != strlen(text))
		return fail(parse, "\"%s\" is not a port", text);
	if (!bg_number_parse(text, PORT_MAX, &value))
		return fail(parse, "port %s is too high: ports are 1 to 65535", text);
	*out = (__u16)value;
	return 0;
}

/* Of a bind to port 0, any free port, only deny:0 speaks. */
static int check_zero(const struct parse *parse)
{
	if (parse->rule.verdict != BG_DENY || parse->rule.last > 0)
		return fail(parse, "port 0 needs no rule: a bind to it passes, and only deny:0 denies it");
	if (parse->rule.flags & BG_RULE_ADDR)
		return fail(parse, "deny:0 has no address");
	return 0;
}

static int read_ports(struct parse *parse, char *text)
{
	char *dash = strchr(text, '-');
	int err;

	if (!strcmp(text, "any")) {
		parse->rule.first = 1;
		parse->rule.last = PORT_MAX;
		return 0;
	}
	if (dash && dash[1] == '>')
		return fail(parse, "a rewrite is written 3000=80, not 3000->80");
	if (dash && !dash[1])
		return fail(
			parse,
			"the range has no end (a rewrite is written 3000=80; of 3000->80 the shell takes >80 away)");
	if (dash)
		*dash = '\0';
	err = read_port(parse, text, &parse->rule.first);
	if (!err)
		err = read_port(parse, dash ? dash + 1 : text, &parse->rule.last);
	if (err)
		return err;
	if (parse->rule.first > parse->rule.last)
		return fail(parse, "the range goes down: did you mean %u-%u?", parse->rule.last, parse->rule.first);
	return parse->rule.first ? 0 : check_zero(parse);
}

/* "1.2.3.4", "[::1]" without its brackets; with a length where `prefix` is given. */
static int read_addr(const struct parse *parse, char *text, bool bracketed, struct bg_addr *out, __u8 *prefix)
{
	char *slash = prefix ? strchr(text, '/') : NULL;
	unsigned long bits = bracketed ? 128 : 32, length = bits;
	struct in6_addr in6;
	struct in_addr in;

	if (slash) {
		*slash = '\0';
		if (!bg_number_parse(slash + 1, bits, &length))
			return fail(parse, "/%s is no prefix length: %s has /0 to /%lu", slash + 1,
				    bracketed ? "IPv6" : "IPv4", bits);
	}
	if (bracketed ? inet_pton(AF_INET6, text, &in6) != 1 : inet_pton(AF_INET, text, &in) != 1)
		return fail(parse, "\"%s\" is not an %s address", text, bracketed ? "IPv6" : "IPv4");
	*out = bracketed ? bg_addr_from_ip6(&in6) : bg_addr_from_ip4(&in);
	if (prefix) {
		*prefix = (__u8)(bracketed ? length : length + IP4_BITS);
		bg_addr_mask(out, *prefix);
	}
	return 0;
}

static __u8 family_of(const struct bg_addr *addr, __u8 prefix)
{
	return bg_addr_is_ip4(addr) && prefix >= IP4_BITS ? BG_RULE_IP4 : BG_RULE_IP6;
}

/*
 * Splits "[ADDR:]REST": *addr is NULL where there is none or it is "*".
 * Outside brackets the last colon is the one before the ports.
 */
static int split_addr(const struct parse *parse, char *text, char **addr, bool *bracketed, char **rest)
{
	char *end;

	*addr = NULL;
	*rest = text;
	*bracketed = *text == '[';
	if (*bracketed) {
		end = strchr(text, ']');
		if (!end)
			return fail(parse, "a ] is missing");
		if (end[1] != ':')
			return fail(parse, "after ] comes a colon and the ports, as in [::1]:80");
		*end = '\0';
		*addr = text + 1;
		*rest = end + 2;
		return 0;
	}
	end = strrchr(text, ':');
	if (!end)
		return 0;
	*end = '\0';
	*rest = end + 1;
	if (strchr(text, ':'))
		return fail(parse, "an IPv6 address stands in brackets, as in [::1]:80");
	if (!*text)
		return fail(parse, "an address is missing before the colon");
	if (strcmp(text, "*"))
		*addr = text;
	return 0;
}

static int read_match(struct parse *parse, char *text)
{
	bool bracketed;
	char *addr, *ports;
	int err = split_addr(parse, text, &addr, &bracketed, &ports);

	if (!err && addr) {
		err = read_addr(parse, addr, bracketed, &parse->rule.addr, &parse->rule.prefix);
		parse->rule.flags |= BG_RULE_ADDR;
	}
	return err ? err : read_ports(parse, ports);
}

static int read_target(struct parse *parse, char *text)
{
	unsigned int span = parse->rule.last - parse->rule.first;
	bool bracketed;
	char *addr, *port;
	int err = split_addr(parse, text, &addr, &bracketed, &port);

	if (!err && addr) {
		err = read_addr(parse, addr, bracketed, &parse->rule.target, NULL);
		parse->rule.flags |= BG_RULE_TARGET;
	}
	if (!err && strchr(port, '-'))
		return fail(parse, "after = stands one port: a range keeps its offset, as in 8000-8010=9000");
	if (!err)
		err = read_port(parse, port, &parse->rule.to);
	if (!err && parse->rule.to == 0)
		return fail(parse, "a bind cannot be rewritten to port 0");
	if (!err && parse->rule.to + span > PORT_MAX)
		return fail(parse, "a range keeps its offset, and port %u would become %u: ports end at 65535",
			    parse->rule.last, parse->rule.to + span);
	return err;
}

/* The families that are possible with this address and target. */
static int settle_families(struct parse *parse)
{
	struct bg_rule *rule = &parse->rule;
	__u8 match = rule->flags & BG_RULE_ADDR ? family_of(&rule->addr, rule->prefix) : BG_RULE_FAMILIES;
	__u8 target = rule->flags & BG_RULE_TARGET ? family_of(&rule->target, 128) : BG_RULE_FAMILIES;

	if (!(match & target))
		return fail(parse, "a bind cannot change from %s",
			    match == BG_RULE_IP4 ? "IPv4 to IPv6" : "IPv6 to IPv4");
	rule->flags |= match & target;
	return 0;
}

static int read_protocol(struct parse *parse, const char *text)
{
	if (parse->rule.flags & BG_RULE_PROTOCOLS)
		return fail(parse, "the protocol stands there twice");
	if (!strcmp(text, "tcp"))
		parse->rule.flags |= BG_RULE_TCP;
	else if (!strcmp(text, "udp"))
		parse->rule.flags |= BG_RULE_UDP;
	else
		return fail(parse, "\"%s\" is no protocol that can be gated: tcp or udp", text);
	return 0;
}

/* Takes a protocol off the end. A slash before a colon or bracket belongs to an address. */
static int take_protocol(struct parse *parse, char *text)
{
	char *slash = strrchr(text, '/');

	if (!slash || strpbrk(slash, ":]"))
		return 0;
	*slash = '\0';
	return read_protocol(parse, slash + 1);
}

static int no_qualifier(const struct parse *parse, const char *text)
{
	char keys[64] = "";

	for (int i = 0; i < BG_QUALIFIERS; i++)
		snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s", i ? ", " : "",
			 bg_qualifiers[i].key);
	return fail(parse, "\"%s\" is not one of %s (rules are separated by spaces)", text, keys);
}

static int read_qualifier(struct parse *parse, const char *text)
{
	const struct bg_qualifier *qualifier = bg_qualifier_of(text);
	struct bg_error reason;

	if (!qualifier)
		return no_qualifier(parse, text);
	if (!parse->rule.first)
		return fail(parse, "deny:0 has no %s", qualifier->key);
	if (bg_qualifier_has(qualifier, &parse->rule))
		return fail(parse, "%s stands there twice", qualifier->key);
	if (bg_qualifier_read(qualifier, text, &parse->rule, &reason))
		return fail(parse, "%s", reason.text);
	return 0;
}

static int read_rule(struct parse *parse, char *text)
{
	char *qualifier = strchr(text, ','), *equals;
	bool has_verdict = false;
	int err;

	if (qualifier)
		*qualifier++ = '\0';
	for (__u8 verdict = 0; verdict < BG_VERDICTS && !has_verdict; verdict++) {
		const char *name = bg_verdict_name(verdict);
		size_t length = strlen(name);

		if (strncmp(text, name, length) || text[length] != ':')
			continue;
		if (verdict == BG_REWRITE)
			return fail(parse, "a rewrite is written with =, as in 3000=80");
		parse->rule.verdict = verdict;
		has_verdict = true;
		text += length + 1;
	}
	if (!has_verdict)
		parse->rule.verdict = BG_ALLOW;

	equals = strchr(text, '=');
	if (equals)
		*equals++ = '\0';
	err = take_protocol(parse, text);
	if (!err && equals)
		err = take_protocol(parse, equals);
	if (err)
		return err;
	if (!(parse->rule.flags & BG_RULE_PROTOCOLS))
		parse->rule.flags |= BG_RULE_PROTOCOLS;
	if (equals && parse->rule.verdict != BG_ALLOW)
		return fail(parse, "only an allow can rewrite: leave %s or = away",
			    bg_verdict_name(parse->rule.verdict));
	err = read_match(parse, text);
	if (!err && equals) {
		parse->rule.verdict = BG_REWRITE;
		err = read_target(parse, equals);
	}
	if (!err)
		err = settle_families(parse);
	while (!err && qualifier) {
		char *next = strchr(qualifier, ',');

		if (next)
			*next++ = '\0';
		err = read_qualifier(parse, qualifier);
		qualifier = next;
	}
	return err;
}

int bg_rule_parse(const char *text, struct bg_rule *out, struct bg_error *error)
{
	struct parse parse = { .whole = text, .error = error };
	size_t length = strnlen(text, TEXT_MAX + 1);
	char copy[TEXT_MAX + 1];
	int err;

	if (length == 0)
		return bg_error(error, -EINVAL, "a rule is empty");
	if (length > TEXT_MAX)
		return bg_error(error, -EINVAL, "rule \"%.24s…\" is longer than %d characters", text, TEXT_MAX);
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return bg_error(error, -EINVAL,
					"rule \"%.*s…\": character %zu is not one that a rule can have", (int)i,
					text, i + 1);
	memcpy(copy, text, length + 1);
	err = read_rule(&parse, copy);
	if (!err)
		*out = parse.rule;
	return err;
}
