/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_EVENT_H
#define BINDGATE_EVENT_H

#include <bindgate/portmap.h>

#define BG_WATCHERS_MAX 8
#define BG_COMM_MAX 16 /* the kernel's TASK_COMM_LEN */

/*
 * One decision, as the ring buffers carry it. The rule and its addresses come along, since the policy may have been
 * replaced by the time that somebody reads this. Addresses and ports in host byte order, IPv4 as ::ffff:a.b.c.d.
 */
struct bg_event {
	__u64 time;   /* ns of boot time */
	__u64 cgroup; /* id of the gate's cgroup */
	struct bg_addr requested;
	struct bg_addr actual;
	struct bg_addr rule_addr;   /* with BG_RULE_ADDR */
	struct bg_addr rule_target; /* with BG_RULE_TARGET */
	struct bg_packed_rule rule; /* where slot is a rule's */
	__u16 slot;                 /* who decided, as in bg_answer */
	__u16 requested_port;
	__u16 actual_port;
	__u16 protocol; /* IPPROTO_… as the socket has it */
	__u32 pid; /* of the process (tgid), in the machine's first pid namespace; 0: this kernel does not say */
	__u32 uid;
	__u32 gid;
	char comm[BG_COMM_MAX]; /* empty: this kernel does not say */
	__u8 verdict;           /* enum bg_verdict */
	__u8 family;            /* 4 or 6: the socket's */
	__u8 audit;             /* a deny that was not enforced, in an auditing gate */
	__u8 unused[1];
};

/* What watchers and programs share; user space maps it into memory. */
struct bg_watching {
	__u64 slots;                 /* a bit for each ring buffer that somebody reads */
	__u64 lost[BG_WATCHERS_MAX]; /* events that found the ring full */
};

static_assert(sizeof(struct bg_event) == 152, "bg_event is part of the ABI");
static_assert(sizeof(struct bg_watching) == 72, "bg_watching is part of the ABI");

#endif
