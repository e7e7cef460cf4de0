// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cgroup/glob.h"
#include "config/declared.h"
#include "permanent/permanent.h"
#include "systemd/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct bg_declaration *all, const char *cgroup, const struct bg_policy *policy)
{
	all->gates = bg_need(reallocarray(all->gates, all->gates_count + 1, sizeof(*all->gates)));
	bg_need(bg_declared_gate(cgroup, policy, &all->gates[all->gates_count]) ? NULL : all);
	all->gates_count++;
}

struct export
{
	struct cli *cli;
	struct bg_declaration *all;
	bool lacks; /* one that YAML cannot name */
};

static int add_gate(const struct bg_gate *gate, FILE *out, void *arg)
{
	struct export *export = arg;
	char *name;

	(void)out; /* all are printed as one */
	if (*gate->damage && !gate->policy.count)
		return DONE;
	if (!cli_is_utf8(gate->cgroup.name)) {
		cli_print_warning(export->cli, "%.512s is left out: its name is not UTF-8, which YAML has to be",
				  gate->cgroup.name);
		export->lacks = true;
		return DONE;
	}
	name = bg_need(bg_cgroup_literal(gate->cgroup.name));
	add(export->all, name, &gate->policy);
	free(name);
	return DONE;
}

/* Those that are not there now: under the name by which they come back. */
static int add_permanent(const struct bg_permanent *permanent, void *arg)
{
	struct bg_declaration *all = arg;

	for (unsigned int i = 0; i < all->gates_count; i++)
		if (bg_permanent_is_for(permanent->name, all->gates[i].cgroup))
			return 0;
	if (!*permanent->damage && !bg_unit_is_template(permanent->name))
		add(all, permanent->name, &permanent->policy);
	return 0;
}

static int run_export(struct cli *cli, int argc, char **argv)
{
	struct export export = { .cli = cli };
	struct bg_declaration *all;
	struct bg_error error = { "" };
	char *text;
	int status, err;

	cli_end_options(cli, argc, argv);
	if (optind < argc)
		return cli_usage_error(cli, "export takes no arguments");
	all = export.all = bg_need(calloc(1, sizeof(*all)));
	status = cli_each_gate(cli, NULL, add_gate, &export);
	err = status == DONE ? bg_permanent_each(add_permanent, all, &error) : 0;
	if (err)
		status = cli_print_error(cli, err, &error);
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
	return status == DONE && export.lacks ? FAILED : status;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "today's gates as such a file",
	.notes = "  bindgate export >gates.yaml\n",
	.run = run_export,
};
