/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_NETNS_VIEW_H
#define BINDGATE_NETNS_VIEW_H

#include "explain/process.h"

/* A bind, as far as its network namespace is concerned. */
struct bg_bind {
	__u8 family;   /* of the socket: 4 or 6 */
	__u8 protocol; /* enum bg_protocol */
	struct bg_addr addr;
	__u16 port;
};

#define BG_HOLDERS_MAX 8

/* A socket that is in the way. */
struct bg_holder {
	struct bg_addr addr;
	__u32 inode;
	__u32 uid; /* whose the socket is */
	pid_t pid; /* 0: no process that can be seen */
	char name[BG_COMM_MAX + 1];
};

struct bg_netns_view {
	unsigned int unprivileged_from; /* ip_unprivileged_port_start */
	int addr_error;                 /* 0, or the errno of a bind to the address */
	unsigned int holders_count;
	struct bg_holder holders[BG_HOLDERS_MAX];
};

/* Looks from within the network namespace of process `pid`, or from where this process is, if it may not go there. */
int bg_netns_view_read(pid_t pid, const struct bg_bind *bind, struct bg_netns_view *out, struct bg_error *error);

#endif
