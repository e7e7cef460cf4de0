/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_REFUSAL_H
#define BINDGATE_REFUSAL_H

#include <bindgate/event.h>

/* One bind(2) to an IPv4 or IPv6 address that the kernel refused, on any cgroup, gated or not. */
struct bg_refusal {
	__u64 time;          /* ns of boot time */
	__u64 task_cgroup;   /* id of the cgroup v2 that the thread is in */
	__u64 socket_cgroup; /* id of the one whose gates were asked; 0: this kernel does not say */
	struct bg_addr addr; /* host byte order, IPv4 as ::ffff:a.b.c.d */
	__u32 pid;           /* of the process (tgid), in the machine's first pid namespace */
	__u32 uid;
	__u32 gid;
	__s32 fd;       /* the socket, in that process */
	__u16 port;     /* host byte order */
	__u16 protocol; /* IPPROTO_…; 0: this kernel does not say */
	__u8 family;    /* 4 or 6: the address's */
	__u8 error;     /* EACCES, EPERM or EADDRINUSE */
	__u8 unused[2];
	char comm[BG_COMM_MAX];
};

static_assert(sizeof(struct bg_refusal) == 80, "bg_refusal is what both sides read");

#endif
