// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cli/lasting.h"
#include "cli/permanent.h"
#include "policy/counters.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct cli *cli;
	struct table *table;
	json_t *gates;
	unsigned int count;
};

static const char *left_of(const struct bg_rule *rule, char text[static 16])
{
	__u32 left;

	if (!rule->deadline)
		return "";
	left = bg_rule_seconds_left(rule, bg_clock_ticks());
	if (left == 0)
		return "expired";
	if (left < 100)
		snprintf(text, 16, "%us", left);
	else if (left < 100 * 60)
		snprintf(text, 16, "%um%02us", left / 60, left % 60);
	else
		snprintf(text, 16, "%uh%02um", left / 3600, left / 60 % 60);
	return text;
}

static void add_row(struct listing *listing, const struct bg_gate *gate, bool first, const char *rule, __u64 hits,
		    const char *left)
{
	const struct bg_policy *policy = &gate->policy;

	table_cell(listing->table, "%s", first ? gate->cgroup.name : "");
	table_cell(listing->table, "%s", rule);
	table_cell(listing->table, "%llu", hits);
	table_cell(listing->table, "%s", left);
	table_cell(listing->table, "%s", first ? policy->owner : "");
	table_cell(listing->table, "%s", first ? policy->label : "");
}

static json_t *gate_json(const struct bg_gate *gate, const struct cli_lasting *lasting)
{
	json_t *object = bg_json_gate(gate);

	json_object_set_new(object, "permanent", json_boolean(lasting->permanent));
	json_object_set_new(object, "goes_with",
			    !lasting->permanent && *lasting->ends_with ? bg_json_text(lasting->ends_with)
								       : json_null());
	return object;
}

static void warn_of_damage(const struct cli *cli, const struct bg_gate *gate)
{
	cli_print_warning(cli, "%.512s: %s; attach it anew, or detach it (bindgate detach id:%llu)",
			  gate->cgroup.name, gate->damage, gate->id);
}

static int list_gate(const struct bg_gate *gate, FILE *out, void *arg)
{
	struct listing *listing = arg;
	const struct bg_policy *policy = &gate->policy;
	char text[BG_RULE_TEXT_MAX], left[16];
	const __u64 *verdicts = gate->verdicts;
	struct cli_lasting lasting;

	(void)out; /* one table is made of all */
	listing->count++;
	cli_look_lasting(gate, &lasting);
	if (listing->cli->json) {
		json_array_append_new(listing->gates, gate_json(gate, &lasting));
		return DONE;
	}
	if (gate->is_unknown)
		add_row(listing, gate, true, "unknown", 0, "");
	if (gate->is_foreign)
		cli_print_warning(listing->cli, "%.512s: %s; to begin anew: bindgate detach --all",
				  gate->cgroup.name, gate->damage);
	else if (gate->is_unknown)
		warn_of_damage(listing->cli, gate);
	if (gate->is_unknown)
		return DONE;
	for (unsigned int i = 0; i < policy->count; i++)
		add_row(listing, gate, i == 0, bg_rule_print(&policy->rules[i], text), gate->hits[i],
			left_of(&policy->rules[i], left));
	snprintf(text, sizeof(text), "default %s%s%s", bg_verdict_name(policy->default_verdict),
		 policy->netns == BG_NETNS_HOST ? ", netns host" : "", policy->audit ? ", audit" : "");
	add_row(listing, gate, policy->count == 0, text, gate->default_hits, "");
	table_line(listing->table, "  binds: %llu passed, %llu allowed, %llu rewritten, %llu denied%s",
		   verdicts[BG_PASS], verdicts[BG_ALLOW], verdicts[BG_REWRITE], verdicts[BG_DENY],
		   policy->audit ? " (not enforced: audit)" : "");
	if (lasting.permanent)
		table_line(listing->table, "  permanent: %s makes it again", lasting.keeper);
	else if (*lasting.ends_with)
		table_line(listing->table, "  goes when %s stops", lasting.ends_with);
	if (*gate->damage)
		warn_of_damage(listing->cli, gate);
	return DONE;
}

static int print_list(const struct listing *listing)
{
	if (listing->cli->json)
		cli_print_json(json_pack("{s:O}", "gates", listing->gates));
	else if (listing->count)
		table_print(listing->table, stdout);
	else
		printf("There are no gates. bindgate attach CGROUP 80/tcp makes one; bindgate help tells more.\n");
	return cli_finish_output(listing->cli);
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct listing listing = { .cli = cli };
	const char *heads[] = { "CGROUP", "RULE", "HITS", "LEFT", "OWNER", "LABEL" };
	bool permanent = false;
	int status;

	while (cli_next_option(cli, argc, argv) != -1)
		permanent = true;
	if (argc - optind > !permanent)
		return cli_usage_error(cli,
				       permanent ? "list --permanent takes no arguments" : "one cgroup at most");
	if (permanent)
		return cli_list_permanent(cli);
	listing.table = table_new(6);
	table_right(listing.table, 2);
	for (size_t i = 0; i < 6; i++)
		table_cell(listing.table, "%s", heads[i]);
	listing.gates = json_array();
	status = cli_each_gate(cli, optind < argc ? argv[optind] : NULL, list_gate, &listing);
	if (status == DONE)
		status = print_list(&listing);
	json_decref(listing.gates);
	table_free(listing.table);
	return status;
}

static const struct cli_option options[] = {
	{ .name = "permanent",
	  .help = "the permanent gates, also those that are not there now",
	  .id = OPTION_PERMANENT,
	  .instead = true },
	{ 0 },
};

const struct command cmd_list = {
	.name = "list",
	.summary = "gates, their rules and how often each was hit",
	.options = options,
	.arguments =
		(const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_GATE, .optional = true }, { 0 } },
	.run = run_list,
};
