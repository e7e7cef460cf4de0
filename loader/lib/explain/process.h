/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROCESS_H
#define BINDGATE_PROCESS_H

#include "base/error.h"

#include <bindgate/event.h>
#include <bindgate/portmap.h>
#include <sys/types.h>

/* What about a process decides whether its binds succeed. */
struct bg_process {
	pid_t pid;
	char name[BG_COMM_MAX + 1];
	__u32 uid; /* real ids: those that the hooks see */
	__u32 gid;
	__u32 euid;        /* whose its sockets are */
	bool may_bind_low; /* CAP_NET_BIND_SERVICE in the user namespace that its network namespace belongs to */
	bool in_user_ns; /* it has the capability, but in a user namespace that does not own its network namespace */
	bool foreign_netns; /* its network namespace is not the machine's first */
	bool hidden;        /* its namespaces may not be looked at: taken for those of whoever asks */
};

/* Who typed the command: the nearest process above this one that is not root's (sudo's caller), or else this one. */
pid_t bg_process_caller(void);

/* -ESRCH: no such process. */
int bg_process_read(pid_t pid, struct bg_process *out, struct bg_error *error);

#endif
