// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/event.h"

#include "policy/compile.h"

#include <netinet/in.h>
#include <stdio.h>

bool bg_event_rule(const struct bg_event *event, struct bg_rule *out)
{
	if (event->index >= BG_RULES_MAX)
		return false;
	bg_unpack(&event->rule, &event->rule_addr, &event->rule_target, out);
	return true;
}

static __s64 ns_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__s64)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct timespec bg_event_time(const struct bg_event *event)
{
	__s64 ns = (__s64)(event->time + (__u64)(ns_of(CLOCK_REALTIME) - ns_of(CLOCK_BOOTTIME)));

	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
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
