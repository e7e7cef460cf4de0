// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/declared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* false: out of memory. */
static bool unless(int value, int usual, int **out)
{
	*out = NULL;
	if (value == usual)
		return true;
	*out = malloc(sizeof(**out));
	if (*out)
		**out = value;
	return *out;
}

int bg_declared_gate(const char *cgroup, const struct bg_policy *policy, struct bg_declared_gate *out)
{
	struct bg_declared_gate gate = { .cgroup = strdup(cgroup) };
	char text[BG_RULE_TEXT_MAX];
	bool whole;

	gate.policy.rules = calloc(policy->count + 1, sizeof(char *));
	whole = gate.cgroup && gate.policy.rules &&
		unless(policy->default_verdict, BG_PASS, &gate.policy.default_verdict) &&
		unless(policy->netns, BG_NETNS_ANY, &gate.policy.netns) &&
		unless(policy->audit, 0, &gate.policy.audit);
	if (whole && *policy->label)
		whole = (gate.policy.label = strdup(policy->label));
	for (unsigned int i = 0; i < policy->count && whole; i++) {
		whole = (gate.policy.rules[i] = strdup(bg_rule_print(&policy->rules[i], text)));
		gate.policy.rules_count += whole;
	}
	if (!whole) {
		bg_declared_gate_free(&gate);
		return -ENOMEM;
	}
	*out = gate;
	return 0;
}

void bg_declared_gate_free(struct bg_declared_gate *gate)
{
	for (unsigned int i = 0; i < gate->policy.rules_count; i++)
		free(gate->policy.rules[i]);
	free(gate->policy.rules);
	free(gate->policy.default_verdict);
	free(gate->policy.netns);
	free(gate->policy.audit);
	free(gate->policy.label);
	free(gate->adopt);
	free(gate->cgroup);
	*gate = (struct bg_declared_gate){ 0 };
}
