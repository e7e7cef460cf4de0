/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SOCKETS_H
#define BINDGATE_SOCKETS_H

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "policy/infer.h"

/* Adds the ports that sockets of the cgroup, or of one below it, hold now, in the network namespace of its first process:
 * TCP that listens, UDP that is not connected, but for ports that the kernel chose itself (ip_local_port_range). Returns how
 * many of them were new, or a negative errno. */
int bg_sockets_seen(const struct bg_cgroup *cgroup, struct bg_seen *seen, struct bg_error *error);

#endif
