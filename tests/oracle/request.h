/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TESTS_ORACLE_REQUEST_H
#define BINDGATE_TESTS_ORACLE_REQUEST_H

/* A bind as the oracle has it, handed to decide.h: for tests that hold one against the other. */
#include "oracle.h"

#include "policy/address.h"

#include <bindgate/request.h>
#include <netinet/in.h>
#include <string.h>

static inline struct bg_addr oracle_addr_of(const struct oracle_addr *addr)
{
	struct in6_addr v6;
	struct in_addr v4;

	memcpy(&v6, addr->bytes, sizeof(v6));
	memcpy(&v4, addr->bytes, sizeof(v4));
	return addr->is_v6 ? bg_addr_from_ip6(&v6) : bg_addr_from_ip4(&v4);
}

/* For bg_decide, with a struct oracle_bind. Gives no more than it was asked for: what decide.h reads beyond that is
 * noise. */
static inline void oracle_fill(struct bg_request *request, __u8 inputs, void *arg)
{
	const struct oracle_bind *bind = arg;

	if (inputs & BG_INPUT_ADDR) {
		request->addr = oracle_addr_of(&bind->addr);
		request->kind |= oracle_counts_as_v4(&bind->addr) ? BG_RULE_IP4 : BG_RULE_IP6;
	}
	if (inputs & BG_INPUT_IDS) {
		request->uid = bind->uid;
		request->gid = bind->gid;
	}
	if (inputs & BG_INPUT_TIME)
		request->now = bind->now;
	if (inputs & BG_INPUT_NETNS)
		request->foreign_netns = bind->foreign_netns;
}

#endif
