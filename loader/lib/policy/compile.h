/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_COMPILE_H
#define BINDGATE_COMPILE_H

#include "policy/policy.h"

/* The packed rule of a slot back into one, its addresses being those two. */
void bg_unpack(const struct bg_packed_rule *rule, __u8 slot, const struct bg_addr *addr,
	       const struct bg_addr *target, struct bg_rule *out);

/* Policy to port map. The rules' deadlines and slots are taken as they stand (where slots are not each rule's own, the
 * policy was never installed, and they are numbered); cgroup, counter and counted are left zero. -E2BIG: more than BG_ADDRS_MAX different addresses. *out is untouched on failure. */
int bg_compile(const struct bg_policy *policy, struct bg_portmap *out, struct bg_error *error);

/* And back: the same policy, deadlines and slots with it. A port map changed by hand gives -EBADMSG, never worse. */
int bg_decompile(const struct bg_portmap *map, struct bg_policy *out, struct bg_error *error);

/* One line of `maps dump`: what the map holds for a run of ports of one protocol. */
struct bg_map_range {
	__u8 protocol; /* enum bg_protocol */
	__u16 first;
	__u16 last;
	int rule;     /* the first rule tried, by its place in the policy; -1: the default */
	bool decides; /* false: rules after it are tried where it does not match */
};

/* Calls `each` for all runs of ports that fare alike, in order, TCP then UDP: 1 to 65535, and 0 where a rule speaks of it. */
void bg_map_ranges(const struct bg_portmap *map, void (*each)(const struct bg_map_range *range, void *arg),
		   void *arg);

#endif
