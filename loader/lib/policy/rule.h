/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_RULE_H
#define BINDGATE_RULE_H

#include "policy/address.h"
#include "base/error.h"

#include <bindgate/portmap.h>

/* One rule of the language:
 *
 *	[VERDICT ":"] [ADDR ":"] PORTS ["/" PROTO] ["=" [ADDR ":"] PORT] ["/" PROTO] ("," QUALIFIER)*
 */
struct bg_rule {
	__u8 verdict; /* enum bg_verdict; a "=" makes it BG_REWRITE */
	__u16 flags;  /* enum bg_rule_flags: at least one protocol and one family */
	__u8 prefix;  /* of addr, of 128 bits (IPv4's are the last 32); 0 without BG_RULE_ADDR */
	__u16 first;  /* ports, host byte order, both ends included; 1 to 65535, or 0 alone with BG_DENY */
	__u16 last;
	__u16 to;              /* with BG_REWRITE: what `first` becomes; ranges keep the offset */
	struct bg_addr addr;   /* with BG_RULE_ADDR; bits beyond the prefix are zero; else zero */
	struct bg_addr target; /* with BG_RULE_TARGET; else zero */
	__u32 uid;             /* with BG_RULE_UID; else 0 */
	__u32 gid;             /* with BG_RULE_GID; else 0 */
	__u32 seconds;         /* with BG_RULE_FOR; else 0 */

	/* What an installed rule has besides; no part of its text. */
	__u32 deadline; /* boot time in ticks of 2^BG_TICK_SHIFT ns; 0: none or not installed yet */
	__u8 slot;      /* its counter */
};

/* Longest text of a rule, with its terminating zero. */
#define BG_RULE_TEXT_MAX 192

/* The canonical text, which parses to the same rule. Returns `out`. Any content of the rule is safe. */
const char *bg_rule_print(const struct bg_rule *rule, char out[static BG_RULE_TEXT_MAX]);

/* Do both have the same text? (deadline and slot are not looked at) */
bool bg_rule_same(const struct bg_rule *a, const struct bg_rule *b);

/* Is it a match that looks at nothing but ports and protocol? Such a rule decides without a scan. */
bool bg_rule_is_plain(const struct bg_rule *rule);

/* Does every bind that `b` can match match `a` too? `a` that expires covers nothing. */
bool bg_rule_covers(const struct bg_rule *a, const struct bg_rule *b);

/* Is there a bind that both can match? */
bool bg_rule_overlaps(const struct bg_rule *a, const struct bg_rule *b);

/* Whole seconds that are left of it, rounded up, at boot time `now` in ticks; 0: expired. Ask only with a deadline. */
__u32 bg_rule_seconds_left(const struct bg_rule *rule, __u32 now);

/* "pass", "allow", "rewrite", "deny"; "tcp", "udp". */
const char *bg_verdict_name(__u8 verdict);
const char *bg_protocol_name(__u8 protocol);

#endif
