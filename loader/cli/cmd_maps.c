// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

struct dump {
	struct cli *cli;
	const struct bg_gate *gate;
	struct table *table;
	json_t *gates;
	json_t *map;
	unsigned int count;
};

static __u8 verdict_of(const struct dump *dump, int rule)
{
	return rule < 0 ? dump->gate->policy.default_verdict : dump->gate->policy.rules[rule].verdict;
}

static void dump_json(const struct bg_map_range *range, void *arg)
{
	struct dump *dump = arg;

	json_array_append_new(dump->map,
			      json_pack("{s:s,s:i,s:i,s:s,s:o,s:b}", "protocol", bg_protocol_name(range->protocol),
					"first", range->first, "last", range->last, "verdict",
					bg_verdict_name(verdict_of(dump, range->rule)), "rule",
					range->rule < 0 ? json_null() : json_integer(range->rule), "decides",
					range->decides));
}

static void dump_row(const struct bg_map_range *range, void *arg)
{
	struct dump *dump = arg;
	const struct bg_gate *gate = dump->gate;
	bool fallback = range->rule < 0;
	char rule[BG_RULE_TEXT_MAX];

	table_cell(dump->table, "%s", bg_protocol_name(range->protocol));
	if (range->first == range->last)
		table_cell(dump->table, "%u", range->first);
	else
		table_cell(dump->table, "%u-%u", range->first, range->last);
	table_cell(dump->table, "%s", bg_verdict_name(verdict_of(dump, range->rule)));
	table_cell(dump->table, "%s%s",
		   fallback ? "default" : bg_rule_print(&gate->policy.rules[range->rule], rule),
		   range->decides ? "" : ", then those after it");
	table_cell(dump->table, "%llu", fallback ? gate->default_hits : gate->hits[range->rule]);
}

static int dump_gate(const struct bg_gate *gate, FILE *out, void *arg)
{
	static const char *const heads[] = { "PROTO", "PORTS", "VERDICT", "RULE", "HITS" };
	struct dump *dump = arg;
	json_t *object;

	dump->gate = gate;
	if (dump->cli->json) {
		dump->map = json_array();
		if (!*gate->damage)
			bg_map_ranges(&gate->map, dump_json, dump);
		object = bg_json_gate(gate);
		json_object_set_new(object, "map", dump->map);
		json_array_append_new(dump->gates, object);
		return DONE;
	}
	fprintf(out, "%s%s  (id %llu)\n", dump->count++ ? "\n" : "", bg_escape(gate->cgroup.name), gate->id);
	if (*gate->damage) {
		fprintf(out, "%s\n", gate->damage);
		return DONE;
	}
	dump->table = table_new(5);
	table_right(dump->table, 4);
	for (size_t i = 0; i < 5; i++)
		table_cell(dump->table, "%s", heads[i]);
	bg_map_ranges(&gate->map, dump_row, dump);
	table_print(dump->table, out);
	table_free(dump->table);
	return DONE;
}

static int run_maps(struct cli *cli, int argc, char **argv)
{
	struct dump dump = { .cli = cli };
	int status;

	cli_end_options(cli, argc, argv);
	if (optind >= argc || strcmp(argv[optind], "dump"))
		return cli_usage_error(cli, "maps knows one thing to do: dump");
	if (argc - ++optind > 1)
		return cli_usage_error(cli, "one cgroup at most");
	dump.gates = json_array();
	status = cli_each_gate(cli, optind < argc ? argv[optind] : NULL, dump_gate, &dump);
	if (status == DONE && cli->json)
		cli_print_json(json_pack("{s:O}", "gates", dump.gates));
	else if (status == DONE && !dump.count)
		printf("There are no gates.\n");
	json_decref(dump.gates);
	return status == DONE ? cli_finish_output(cli) : status;
}

const struct command cmd_maps = {
	.name = "maps",
	.summary = "every gate's compiled port map with its hits",
	.arguments = (const struct cli_argument[]){ { .name = "dump" },
						    { .name = "CGROUP", .words = CLI_GATE, .optional = true },
						    { 0 } },
	.run = run_maps,
};
