// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/json.h"

#include "base/escape.h"
#include "policy/event.h"
#include "policy/counters.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

json_t *bg_json_text(const char *text)
{
	return json_string(bg_escape(text));
}

static json_t *rule_json(const struct bg_gate *gate, unsigned int index)
{
	const struct bg_rule *rule = &gate->policy.rules[index];
	char text[BG_RULE_TEXT_MAX];
	json_t *left = rule->deadline ? json_integer(bg_rule_seconds_left(rule, bg_clock_ticks())) : json_null();

	return json_pack("{s:s,s:I,s:o}", "rule", bg_rule_print(rule, text), "hits", (json_int_t)gate->hits[index],
			 "expires_in_s", left);
}

json_t *bg_json_gate(const struct bg_gate *gate)
{
	const struct bg_policy *policy = &gate->policy;
	static const char *const enforced[] = { "default", "netns", "audit", "rules", "verdicts" };
	json_t *rules = json_array(), *verdicts = json_object(), *out;

	for (unsigned int i = 0; i < policy->count; i++)
		json_array_append_new(rules, rule_json(gate, i));
	for (__u8 verdict = 0; verdict < BG_VERDICTS; verdict++)
		json_object_set_new(verdicts, bg_verdict_name(verdict),
				    json_integer((json_int_t)gate->verdicts[verdict]));
	out = json_pack("{s:o,s:o,s:I,s:s,s:s,s:s,s:s,s:b,s:o,s:o,s:I,s:I}", "cgroup",
			bg_json_text(gate->cgroup.name), "path", bg_json_text(gate->cgroup.path), "id",
			(json_int_t)gate->id, "owner", policy->owner, "label", policy->label, "default",
			bg_verdict_name(policy->default_verdict), "netns", bg_netns_name(policy->netns), "audit",
			policy->audit, "rules", rules, "verdicts", verdicts, "default_hits",
			(json_int_t)gate->default_hits, "unasked_hits", (json_int_t)gate->bypassed_hits);
	if (out && gate->is_unknown)
		for (size_t i = 0; i < sizeof(enforced) / sizeof(*enforced); i++)
			json_object_set_new(out, enforced[i], json_null());
	if (out && *gate->damage)
		json_object_set_new(out, "damage", json_string(gate->damage));
	return out;
}

static json_t *time_json(__u64 boot_ns)
{
	struct timespec time = bg_clock_wall(boot_ns);
	char seconds[32], text[64];
	struct tm utc;

	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", gmtime_r(&time.tv_sec, &utc));
	snprintf(text, sizeof(text), "%s.%06ldZ", seconds, time.tv_nsec / 1000);
	return json_string(text);
}

static json_t *socket_json(const struct bg_addr *addr, __u16 port)
{
	char text[INET6_ADDRSTRLEN];

	return json_pack("{s:s,s:i}", "address", bg_addr_print(addr, text), "port", port);
}

static json_t *rule_of_event(const struct bg_event *event)
{
	char text[BG_RULE_TEXT_MAX];
	struct bg_rule rule;

	return bg_event_rule(event, &rule) ? json_string(bg_rule_print(&rule, text)) : json_null();
}

json_t *bg_json_event(const struct bg_event *event, const char *cgroup)
{
	char comm[BG_COMM_MAX + 1] = "";

	memcpy(comm, event->comm, BG_COMM_MAX);
	return json_pack("{s:o,s:o,s:I,s:I,s:I,s:I,s:o,s:s,s:s,s:o,s:o,s:s,s:o,s:b}", "time",
			 time_json(event->time), "cgroup", bg_json_text(cgroup), "id", (json_int_t)event->cgroup,
			 "pid", (json_int_t)event->pid, "uid", (json_int_t)event->uid, "gid",
			 (json_int_t)event->gid, "comm", bg_json_text(comm), "family",
			 event->family == 4 ? "ipv4" : "ipv6", "protocol", bg_event_protocol(event), "asked",
			 socket_json(&event->requested, event->requested_port), "given",
			 socket_json(&event->actual, event->actual_port), "verdict",
			 bg_verdict_name(event->verdict), "rule", rule_of_event(event), "audit", event->audit);
}

static json_t *holders_json(const struct bg_netns_view *view)
{
	json_t *holders = json_array();

	for (unsigned int i = 0; i < view->holders_count; i++)
		json_array_append_new(holders, json_pack("{s:i,s:o}", "pid", view->holders[i].pid, "comm",
							 bg_json_text(view->holders[i].name)));
	return holders;
}

json_t *bg_json_refusal(const struct bg_refusal *refusal, const struct bg_refusal_why *why)
{
	static const char *const causes[] = { "privilege", "gate", "held", "elsewhere" };
	const char *remedy = why->why.remedy && *why->why.remedy ? why->why.remedy : NULL;
	char comm[BG_COMM_MAX + 1] = "";

	memcpy(comm, refusal->comm, BG_COMM_MAX);
	return json_pack("{s:o,s:o,s:I,s:I,s:I,s:I,s:o,s:s,s:s,s:o,s:s,s:s,s:s?,s:o}", "time",
			 time_json(refusal->time), "cgroup", bg_json_text(why->cgroup.name), "id",
			 (json_int_t)why->cgroup.id, "pid", (json_int_t)refusal->pid, "uid",
			 (json_int_t)refusal->uid, "gid", (json_int_t)refusal->gid, "comm", bg_json_text(comm),
			 "family", refusal->family == 4 ? "ipv4" : "ipv6", "protocol",
			 bg_protocol_name(why->bind.protocol), "asked", socket_json(&refusal->addr, refusal->port),
			 "errno", strerrorname_np(refusal->error), "cause", causes[why->cause], "remedy", remedy,
			 "holders", holders_json(&why->why.netns_view));
}
