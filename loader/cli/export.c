// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli.h"
#include "declare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = { COMMON_OPTIONS };

/* What differs from the default is written; the rest is not. */
static int *unless(int value, int usual)
{
	static int numbers[8];

	if (value == usual)
		return NULL;
	numbers[value] = value;
	return &numbers[value];
}

static int add_gate(const struct bg_gate *gate, void *arg)
{
	struct bg_declaration *all = arg;
	const struct bg_policy *policy = &gate->policy;
	struct bg_declared_gate *out;
	char text[BG_RULE_TEXT_MAX];

	if (*gate->damage && !policy->count)
		return DONE;
	all->gates = reallocarray(all->gates, all->gates_count + 1, sizeof(*all->gates));
	out = &all->gates[all->gates_count++];
	*out = (struct bg_declared_gate){ .cgroup = strdup(gate->cgroup.name) };
	out->policy = (struct bg_declared_policy){
		.fallback = unless(policy->fallback, BG_PASS),
		.netns = unless(policy->netns, BG_NETNS_ANY),
		.audit = unless(policy->audit, 0),
		.label = *policy->label ? strdup(policy->label) : NULL,
		.rules = calloc(policy->count + 1, sizeof(char *)),
		.rules_count = policy->count,
	};
	for (unsigned int i = 0; i < policy->count; i++)
		out->policy.rules[i] = strdup(bg_rule_print(&policy->rules[i], text));
	return DONE;
}

int run_export(struct cli *cli, int argc, char **argv)
{
	struct bg_declaration all = { 0 };
	struct bg_error error = { "out of memory" };
	char *text;
	int status;

	next_option(cli, argc, argv, options);
	if (optind < argc)
		return usage(cli, "export takes no arguments");
	status = each_gate(cli, NULL, add_gate, &all);
	if (status != DONE)
		return status;
	text = bg_declare_print(&all);
	if (!text)
		return fail_as(cli, FAILED, &error);
	fputs(text, stdout);
	free(text); /* the rest goes with the process */
	return finish(cli);
}
