/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROCESS_H
#define BINDGATE_PROCESS_H

#include "base/error.h"

#include <bindgate/event.h>
#include <bindgate/portmap.h>
#include <sys/types.h>

/* What of a process bears on its binds. */
struct bg_process {
	pid_t pid;
	char name[BG_COMM_MAX + 1];
	__u32 uid; /* real ids: those that the hooks see */
	__u32 gid;
	bool may_bind_low;  /* CAP_NET_BIND_SERVICE in the user namespace that its network namespace belongs to */
	bool in_user_ns;    /* it has the capability, but in a user namespace that does not count */
	bool foreign_netns; /* its network namespace is not the machine's first */
};

/* -ESRCH: no such process. */
int bg_process_read(pid_t pid, struct bg_process *out, struct bg_error *error);

/* A bind, as its network namespace looks at it. */
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
	pid_t pid; /* 0: no process that can be seen */
	char name[BG_COMM_MAX + 1];
};

struct bg_netns_view {
	unsigned int unprivileged_from; /* ip_unprivileged_port_start */
	int addr_error;                 /* 0, or what a bind to the address ends in */
	unsigned int holders_count;
	struct bg_holder holders[BG_HOLDERS_MAX];
};

/* Looks from within the network namespace of process `pid`. */
int bg_netns_view_read(pid_t pid, const struct bg_bind *bind, struct bg_netns_view *out, struct bg_error *error);

#endif
