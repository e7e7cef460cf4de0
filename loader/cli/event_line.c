// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "base/clock.h"
#include "policy/event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *print_socket(const struct bg_addr *addr, __u16 port, bool bracketed, char text[static 64])
{
	char bare[INET6_ADDRSTRLEN];

	snprintf(text, 64, bracketed ? "[%s]:%u" : "%s:%u", bg_addr_print(addr, bare), port);
	return text;
}

/* hh:mm:ss.mmm, local. */
static const char *print_time(__u64 boot_ns, char text[static 48])
{
	struct timespec time = bg_clock_wall(boot_ns);
	char seconds[16];
	struct tm local;

	strftime(seconds, sizeof(seconds), "%H:%M:%S", localtime_r(&time.tv_sec, &local));
	snprintf(text, 48, "%s.%03ld", seconds, time.tv_nsec / 1000000);
	return text;
}

void cli_print_event(const struct bg_event *event, const char *cgroup)
{
	static const char *const colours[] = { "dim", "green", "yellow", "red" };
	char time[48], asked[64], given[64], rule_text[BG_RULE_TEXT_MAX], comm[BG_COMM_MAX + 1] = "";
	char who[4 * BG_COMM_MAX + 16]; /* each byte may become four */
	bool v6 = !bg_addr_is_ip4(&event->requested), refused = event->verdict == BG_DENY && !event->audit;
	const char *rule = event->slot == BG_SLOT_BYPASSED ? "not asked" : "default";
	struct bg_rule fired;

	if (bg_event_rule(event, &fired))
		rule = bg_rule_print(&fired, rule_text);
	memcpy(comm, event->comm, BG_COMM_MAX);
	snprintf(who, sizeof(who), "%u/%s", event->pid, bg_escape(comm));
	print_socket(&event->requested, event->requested_port, v6, asked);
	print_socket(&event->actual, event->actual_port, !bg_addr_is_ip4(&event->actual), given);
	printf("%s %-22s %-5u %-24s %-7s %-24s %s%-7s%s %-24s %s%s\n", print_time(event->time, time), who,
	       event->uid, bg_escape(cgroup), bg_event_protocol(event), asked,
	       cli_style(colours[event->verdict % BG_VERDICTS]), bg_verdict_name(event->verdict),
	       cli_style("plain"), refused ? "-" : given, rule, event->audit ? " (audit: not enforced)" : "");
}

void cli_print_event_head(void)
{
	printf("%s%-12s %-22s %-5s %-24s %-7s %-24s %-7s %-24s %s%s\n", cli_style("bold"), "TIME", "PROCESS", "UID",
	       "CGROUP", "PROTO", "ASKED", "VERDICT", "GIVEN", "RULE", cli_style("plain"));
}
