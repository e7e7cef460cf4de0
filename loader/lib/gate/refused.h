/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_REFUSED_H
#define BINDGATE_REFUSED_H

#include "base/error.h"

#include <bindgate/refusal.h>

/*
 * Every bind to an IPv4 or IPv6 address that this machine refuses (EACCES, EPERM, EADDRINUSE), on any cgroup, as it happens.
 * Small programs of their own, there as long as this is open and gone with the process: nothing is pinned.
 * What io_uring binds, and what seccomp refuses before the kernel begins, is not seen.
 */
struct bg_refused;

/* Called for each. A negative result ends bg_refused_read, which returns it. */
typedef int (*bg_refused_fn)(const struct bg_refusal *refusal, void *arg);

/* By fexit on __sys_bind where this kernel can (BTF, CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS, no lockdown), which costs
 * nothing but a bind; else by the system call tracepoints, which make each system call of the machine dearer.
 * -EPERM: not root; -ENOENT: tracefs is not mounted. To be closed with bg_refused_close. */
int bg_refused_open(struct bg_refused **out, bg_refused_fn each, void *arg, struct bg_error *error);
void bg_refused_close(struct bg_refused *refused);

/* Does it make every system call dearer? */
bool bg_refused_is_costly(const struct bg_refused *refused);

/* For poll(2): readable when there are some. */
int bg_refused_fd(const struct bg_refused *refused);

/* Hands out what is there, a bounded number at a time. 0, what `each` returned, or a negative errno. */
int bg_refused_read(struct bg_refused *refused);

/* How many found no room, since it was asked last. */
__u64 bg_refused_lost(struct bg_refused *refused);

#endif
