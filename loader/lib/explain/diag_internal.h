/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_DIAG_INTERNAL_H
#define BINDGATE_DIAG_INTERNAL_H

#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/types.h>
#include <stddef.h>

#define BG_DIAG_LISTENING 10 /* TCP_LISTEN */
#define BG_DIAG_NO_STATE 7   /* TCP_CLOSE: a UDP socket that is not connected */

/* The sockets of this process's network namespace, as sock_diag(7) tells them. `states`: a bit each. Calls `each` with the
 * socket, and its attributes in `left` bytes behind it. A negative errno: there is no such netlink socket. What the kernel cannot tell (a module is missing) is not told. */
int bg_diag_each(__u8 family, __u8 protocol, __u32 states,
		 void (*each)(const struct inet_diag_msg *socket, size_t left, void *arg), void *arg);

#endif
