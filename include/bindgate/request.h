/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_REQUEST_H
#define BINDGATE_REQUEST_H

#include <bindgate/portmap.h>

/* One bind(2), as the policy sees it. */
struct bg_request {
	struct bg_addr addr; /* with BG_INPUT_ADDR; as asked for, host byte order, IPv4 as ::ffff:a.b.c.d */
	__u32 uid;           /* with BG_INPUT_IDS; as the machine's first user namespace has them */
	__u32 gid;
	__u32 now;          /* with BG_INPUT_TIME; boot time in ticks */
	__u16 port;         /* host byte order */
	__u8 kind;          /* one of BG_RULE_PROTOCOLS; with BG_INPUT_ADDR, one of BG_RULE_FAMILIES too */
	__u8 foreign_netns; /* with BG_INPUT_NETNS; the socket is in another network namespace than the machine's first */
};

/* What becomes of it. */
struct bg_answer {
	__u16 slot;   /* who decided: a rule's, or one of enum bg_slot */
	__u16 port;   /* with BG_REWRITE; host byte order */
	__u8 verdict; /* enum bg_verdict */
	__u8 readdressed;
	__u8 target; /* with readdressed: index into the map's addrs */
};

#endif
