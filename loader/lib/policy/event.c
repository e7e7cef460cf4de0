// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/event.h"

#include "policy/compile.h"

#include <netinet/in.h>
#include <stdio.h>

bool bg_event_rule(const struct bg_event *event, struct bg_rule *out)
{
	if (event->slot >= BG_RULES_MAX)
		return false;
	bg_unpack(&event->rule, (__u8)event->slot, &event->rule_addr, &event->rule_target, out);
	return true;
}

const char *bg_event_protocol(const struct bg_event *event)
{
	static char number[8];

	switch (event->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	default:
		snprintf(number, sizeof(number), "%u", event->protocol);
		return number;
	}
}
