// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "config/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What differs from the default is written; the rest is not. */
static int *unless(int value, int usual)
{
	int *number;

	if (value == usual)
		return NULL;
	number = bg_need(malloc(sizeof(*number)));
	*number = value;
	return number;
}

static int add_gate(const struct bg_gate *gate, FILE *out, void *arg)
{
	struct bg_declaration *all = arg;
	const struct bg_policy *policy = &gate->policy;
	struct bg_declared_gate *declared;
	char text[BG_RULE_TEXT_MAX];

	(void)out; /* all are printed as one */
	if (*gate->damage && !policy->count)
		return DONE;
	all->gates = bg_need(reallocarray(all->gates, all->gates_count + 1, sizeof(*all->gates)));
	declared = &all->gates[all->gates_count++];
	*declared = (struct bg_declared_gate){ .cgroup = bg_need(strdup(gate->cgroup.name)) };
	declared->policy = (struct bg_declared_policy){
		.default_verdict = unless(policy->default_verdict, BG_PASS),
		.netns = unless(policy->netns, BG_NETNS_ANY),
		.audit = unless(policy->audit, 0),
		.label = *policy->label ? bg_need(strdup(policy->label)) : NULL,
		.rules = bg_need(calloc(policy->count + 1, sizeof(char *))),
		.rules_count = policy->count,
	};
	for (unsigned int i = 0; i < policy->count; i++)
		declared->policy.rules[i] = bg_need(strdup(bg_rule_print(&policy->rules[i], text)));
	return DONE;
}

static int run_export(struct cli *cli, int argc, char **argv)
{
	struct bg_declaration *all;
	char *text;
	int status;

	cli_end_options(cli, argc, argv);
	if (optind < argc)
		return cli_usage_error(cli, "export takes no arguments");
	all = bg_need(calloc(1, sizeof(*all)));
	status = cli_each_gate(cli, NULL, add_gate, all);
	if (status == DONE && !all->gates_count) {
		puts("gates: []");
		status = cli_finish_output(cli);
	} else if (status == DONE) {
		text = bg_need(bg_declare_print(all));
		fputs(text, stdout);
		free(text);
		status = cli_finish_output(cli);
	}
	bg_declare_free(all);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "today's gates as such a file",
	.notes = "  bindgate export >gates.yaml\n",
	.run = run_export,
};
