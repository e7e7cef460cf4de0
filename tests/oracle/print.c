// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "oracle.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, ORACLE_TEXT_MAX - used, format, args);
	va_end(args);
}

/* Shortest form, or all eight groups in full, in either case. */
static void print_v6(uint64_t *seed, const uint8_t *bytes, char *text)
{
	bool in_full = oracle_chance(seed, 30), in_capitals = oracle_chance(seed, 30);
	char *start = text + strlen(text), shortest[INET6_ADDRSTRLEN];

	if (!in_full)
		append(text, "%s", inet_ntop(AF_INET6, bytes, shortest, sizeof(shortest)));
	for (int i = 0; i < 16 && in_full; i += 2)
		append(text, "%s%02x%02x", i ? ":" : "", bytes[i], bytes[i + 1]);
	for (; in_capitals && *start; start++)
		*start = (char)toupper(*start);
}

static void print_addr(uint64_t *seed, const struct oracle_addr *addr, bool has_prefix, unsigned int prefix,
		       char *text)
{
	struct oracle_addr mapped = oracle_mapped(addr);
	bool in_brackets = addr->is_v6 || oracle_chance(seed, 10);
	unsigned int bits = in_brackets ? 128 : 32;

	if (in_brackets && !addr->is_v6)
		prefix += 96;
	if (in_brackets) {
		append(text, "[");
		print_v6(seed, addr->is_v6 ? addr->bytes : mapped.bytes, text);
	} else {
		append(text, "%u.%u.%u.%u", addr->bytes[0], addr->bytes[1], addr->bytes[2], addr->bytes[3]);
	}
	if (has_prefix && (prefix < bits || oracle_chance(seed, 20)))
		append(text, "/%u", prefix);
	append(text, in_brackets ? "]:" : ":");
}

static void print_ports(uint64_t *seed, const struct oracle_rule *rule, char *text)
{
	if (rule->first == 1 && rule->last == 65535 && oracle_chance(seed, 50))
		append(text, "any");
	else if (rule->first == rule->last && oracle_chance(seed, 90))
		append(text, "%u", rule->first);
	else
		append(text, "%u-%u", rule->first, rule->last);
}

static void print_protocol(const struct oracle_rule *rule, char *text)
{
	if (rule->tcp != rule->udp)
		append(text, rule->tcp ? "/tcp" : "/udp");
}

static void print_duration(uint64_t *seed, unsigned int seconds, char *text)
{
	if (seconds % 3600 == 0 && oracle_chance(seed, 70))
		append(text, ",for=%uh", seconds / 3600);
	else if (seconds % 60 == 0 && oracle_chance(seed, 70))
		append(text, ",for=%um", seconds / 60);
	else
		append(text, ",for=%us", seconds);
}

static void print_qualifier(uint64_t *seed, const struct oracle_rule *rule, unsigned int which, char *text)
{
	if (which == 0 && rule->has_uid) {
		if (rule->uid == 0 && oracle_chance(seed, 50))
			append(text, ",uid=root");
		else
			append(text, ",uid=%u", rule->uid);
	} else if (which == 1 && rule->has_gid) {
		if (rule->gid == 0 && oracle_chance(seed, 50))
			append(text, ",gid=root");
		else
			append(text, ",gid=%u", rule->gid);
	} else if (which == 2 && rule->seconds) {
		print_duration(seed, rule->seconds, text);
	}
}

const char *oracle_print(uint64_t *seed, const struct oracle_rule *rule, char text[static ORACLE_TEXT_MAX])
{
	bool protocol_last = rule->verdict == ORACLE_REWRITE && oracle_chance(seed, 50);
	unsigned int turn = oracle_below(seed, 3);

	*text = '\0';
	if (rule->verdict == ORACLE_DENY)
		append(text, "deny:");
	else if (rule->verdict == ORACLE_PASS)
		append(text, "pass:");
	else if (oracle_chance(seed, 20))
		append(text, "allow:");

	if (rule->has_addr)
		print_addr(seed, &rule->addr, true, rule->prefix, text);
	else if (oracle_chance(seed, 20))
		append(text, "*:");
	print_ports(seed, rule, text);
	if (!protocol_last)
		print_protocol(rule, text);
	if (rule->verdict == ORACLE_REWRITE) {
		append(text, "=");
		if (rule->has_target)
			print_addr(seed, &rule->target, false, 0, text);
		append(text, "%u", rule->to);
	}
	if (protocol_last)
		print_protocol(rule, text);
	for (unsigned int i = 0; i < 3; i++)
		print_qualifier(seed, rule, (turn + i) % 3, text);
	return text;
}
