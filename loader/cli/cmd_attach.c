// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cgroup/owner.h"
#include "cli/lasting.h"
#include "cli/permanent.h"
#include "gate/sweep.h"
#include "policy/parser.h"
#include "policy/twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void warn_of_dead_rules(const struct cli *cli, const struct bg_policy *policy)
{
	char dead[BG_RULE_TEXT_MAX], cover[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < policy->count; i++) {
		int by = bg_policy_covered_by(policy, i);

		if (by >= 0)
			cli_print_warning(cli, "rule \"%s\" can never match: \"%s\" before it takes all its binds",
					  bg_rule_print(&policy->rules[i], dead),
					  bg_rule_print(&policy->rules[by], cover));
	}
}

static void warn_of_twins(const struct cli *cli, const struct bg_policy *policy)
{
	char text[BG_RULE_TEXT_MAX], deny[BG_RULE_TEXT_MAX];
	struct bg_rule twin;

	for (unsigned int i = 0; i < policy->count; i++)
		if (bg_policy_lacks_twin(policy, i, &twin))
			cli_print_warning(cli, "rule \"%s\" leaves out %s: add \"%s\", or what is meant for it",
					  bg_rule_print(&policy->rules[i], text),
					  twin.flags & BG_RULE_IP4
						  ? "IPv4"
						  : "IPv6, and servers on [::], which take IPv4 too",
					  bg_rule_print(&twin, deny));
}

/* deny:0 stops more than it is mostly meant to. */
static void warn_of_port_0(const struct cli *cli, const struct bg_policy *policy)
{
	char text[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < policy->count; i++)
		if (!policy->rules[i].first)
			cli_print_warning(
				cli,
				"rule \"%s\" also stops what binds to any free port: Go's resolver and probes, libc, "
				"and clients that bind their source address",
				bg_rule_print(&policy->rules[i], text));
}

#define ROOT_ID 1 /* of the machine's root cgroup, which a cgroup namespace may have another name for */

static void warn_of_others(const struct cli *cli, const struct bg_cgroup *cgroup)
{
	bool is_group;
	__u32 id;

	if (cgroup->id == ROOT_ID)
		cli_print_warning(
			cli,
			"/ is the root of all cgroups: every process of this machine is in this gate; make a cgroup "
			"for what is meant (mkdir), or use bindgate run");
	if (!bg_cgroup_open_to_others(cgroup, &id, &is_group))
		return;
	if (id == (__u32)-1)
		cli_print_warning(
			cli, "everybody may write %.512s/cgroup.procs: whoever enters the cgroup gets its ports",
			cgroup->path);
	else
		cli_print_warning(cli,
				  "%s %u may write %.512s/cgroup.procs: whoever enters the cgroup gets its ports",
				  is_group ? "group" : "user", id, cgroup->path);
}

void cli_print_policy(const char *result, const char *name, const struct bg_policy *policy)
{
	char text[BG_RULE_TEXT_MAX];

	printf("%s %s:", result, bg_escape(name));
	for (unsigned int i = 0; i < policy->count; i++)
		printf(" %s", bg_rule_print(&policy->rules[i], text));
	printf("%sdefault %s%s%s\n", policy->count ? ", " : " ", bg_verdict_name(policy->default_verdict),
	       policy->netns == BG_NETNS_HOST ? ", netns host" : "", policy->audit ? ", audit" : "");
}

const char *const cli_attach_results[] = { "attached", "replaced", "unchanged" };

/* What was done, to be told when the lock is gone: whoever reads may take their time. */
struct outcome {
	int result; /* enum bg_attach_result */
	struct bg_cgroup cgroup;
	struct bg_gate gate;
	struct bg_gate before; /* with BG_REPLACED by attach; else its id is 0 */
};

static int attach(struct cli *cli, struct bg_store *store, const struct bg_cgroup *cgroup,
		  const struct bg_policy *policy, unsigned int flags, struct outcome *out)
{
	struct bg_error error = { "" };
	struct bg_error what;
	int err;

	out->cgroup = *cgroup;
	out->result = bg_gate_attach(store, cgroup, policy, flags, &error);
	if (out->result < 0)
		return cli_print_error(cli, out->result, &error);
	err = bg_gate_read(store, cgroup->id, &out->gate, &error);
	if (!err)
		return DONE;
	bg_error(&what, err, "%s %.350s, but it cannot be read back: %.512s", cli_attach_results[out->result],
		 cgroup->name, error.text);
	return cli_print_error(cli, err, &what);
}

static int print_outcome(struct cli *cli, const struct outcome *outcome)
{
	char *keep = cli_lasting_line(cli, &outcome->gate);

	warn_of_dead_rules(cli, &outcome->gate.policy);
	warn_of_twins(cli, &outcome->gate.policy);
	warn_of_port_0(cli, &outcome->gate.policy);
	warn_of_others(cli, &outcome->cgroup);
	if (cli->json) {
		cli_print_json(json_pack("{s:s,s:o,s:o,s:o,s:o}", "result", cli_attach_results[outcome->result],
					 "gate", bg_json_gate(&outcome->gate), "before",
					 outcome->before.id ? bg_json_gate(&outcome->before) : json_null(), "keep",
					 keep ? bg_json_text(keep) : json_null(), "warnings", cli_warnings()));
	} else {
		cli_print_policy(cli_attach_results[outcome->result], outcome->cgroup.name, &outcome->gate.policy);
		if (outcome->before.id)
			cli_print_policy("before", outcome->cgroup.name, &outcome->before.policy);
		if (keep)
			printf("It goes when the unit stops. To keep it: %s\n", keep);
	}
	free(keep);
	return cli_finish_output(cli);
}

int cli_take_policy_option(const struct cli *cli, int option, struct bg_policy *policy)
{
	struct bg_error error = { "" };
	int err = 0;

	if (option == OPTION_DEFAULT)
		err = bg_policy_set_default(policy, optarg, &error);
	else if (option == OPTION_NETNS)
		err = bg_policy_set_netns(policy, optarg, &error);
	else if (option == OPTION_LABEL)
		err = bg_policy_set_label(policy, optarg, &error);
	else
		policy->audit = true;
	return err ? cli_usage_error(cli, "%s", error.text) : DONE;
}

static int run_attach(struct cli *cli, int argc, char **argv)
{
	struct bg_policy policy = { .owner = "cli" };
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	static struct outcome outcome;
	struct bg_store store;
	bool has_default = false, permanent = false;
	int option, err, status = DONE;

	while (status == DONE && (option = cli_next_option(cli, argc, argv)) != -1) {
		permanent |= option == OPTION_PERMANENT;
		has_default |= option == OPTION_DEFAULT;
		if (option != OPTION_PERMANENT)
			status = cli_take_policy_option(cli, option, &policy);
	}
	if (status != DONE)
		return status;
	if (argc - optind < 1)
		return cli_usage_error(cli, "a cgroup and its rules are missing");
	if (argc - optind < 2 && !has_default)
		return cli_usage_error(
			cli, "a rule is missing, such as 80/tcp (a gate without rules wants --default deny)");
	for (int i = optind + 1; i < argc; i++)
		if (bg_policy_add(&policy, argv[i], &error))
			return cli_print_error_as(cli, USAGE, &error);
	if (permanent)
		return cli_attach_permanent(cli, argv[optind], &policy);
	err = bg_cgroup_find(argv[optind], &cgroup, &error);
	if (err == -ENOENT && !strncmp(argv[optind], "unit:", 5))
		bg_error(&error, err, "%.256s does not run: with --permanent its gate is there when it starts",
			 argv[optind]);
	if (!err)
		err = bg_sweep_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	err = bg_gate_read(&store, cgroup.id, &outcome.before, &error);
	if (err && err != -ENOENT && err != -ESTALE) { /* what stands there cannot be told: nothing is changed */
		bg_store_close(&store);
		return cli_print_error(cli, err, &error);
	}
	if (err || *outcome.before.damage)
		outcome.before.id = 0;
	status = attach(cli, &store, &cgroup, &policy, 0, &outcome);
	if (outcome.result != BG_REPLACED)
		outcome.before.id = 0;
	bg_store_close(&store);
	return status == DONE ? print_outcome(cli, &outcome) : status;
}

typedef int (*edit_fn)(struct bg_policy *policy, const char *rule, struct bg_error *error);

/* All of the rules or none of them. What has expired stays so: it was not asked for anew. */
static int edit_gate(struct cli *cli, struct bg_store *store, const struct bg_cgroup *cgroup, char **rules,
		     edit_fn each, struct outcome *out)
{
	static struct bg_gate gate;
	struct bg_error error = { "" };
	int err = bg_gate_read(store, cgroup->id, &gate, &error);

	if (!err && *gate.damage && !gate.policy.count)
		err = bg_error(&error, -EBADMSG, "%.512s: %s; attach its policy anew", cgroup->name, gate.damage);
	for (; *rules && !err; rules++)
		err = each(&gate.policy, *rules, &error) ? -EBADE : 0;
	if (err == -ENOENT)
		return cli_print_no_gate(cli, cgroup);
	if (err)
		return cli_print_error(cli, err, &error);
	return attach(cli, store, &gate.cgroup, &gate.policy, BG_ATTACH_KEEP_EXPIRED, out);
}

static int edit(struct cli *cli, int argc, char **argv, edit_fn each)
{
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	static struct outcome outcome;
	struct bg_store store;
	struct bg_rule rule;
	bool permanent = false;
	int status, err;

	while (cli_next_option(cli, argc, argv) != -1)
		permanent = true;
	if (argc - optind < 2)
		return cli_usage_error(cli, "a cgroup and rules are needed");
	for (int i = optind + 1; i < argc; i++)
		if (bg_rule_parse(argv[i], &rule, &error))
			return cli_print_error_as(cli, USAGE, &error);
	if (permanent)
		return cli_edit_permanent(cli, argv[optind], argv + optind + 1, each);
	status = cli_find_gate(cli, argv[optind], &cgroup);
	if (status != DONE)
		return status;
	err = bg_sweep_open(cli->pin_dir, BG_STORE_EDIT, &store, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	status = edit_gate(cli, &store, &cgroup, argv + optind + 1, each, &outcome);
	bg_store_close(&store);
	return status == DONE ? print_outcome(cli, &outcome) : status;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	return edit(cli, argc, argv, bg_policy_add);
}

static int run_remove(struct cli *cli, int argc, char **argv)
{
	return edit(cli, argc, argv, bg_policy_remove);
}

static const struct cli_option attach_options[] = {
	POLICY_OPTIONS,
	PERMANENT_OPTION("it comes back with its unit, and after a reboot"),
	{ 0 },
};
static const struct cli_option edit_options[] = {
	PERMANENT_OPTION("of the permanent gate too"),
	{ 0 },
};

const struct command cmd_attach = {
	.name = "attach",
	.summary = "declare a gate's whole policy",
	.notes = "On a gate that stands, the policy is replaced in one step.\n\n"
		 "  bindgate attach /sys/fs/cgroup/app 80/tcp 443/tcp\n"
		 "  bindgate attach --default deny unit:nginx 80/tcp 443/tcp\n"
		 "  bindgate attach pid:1234 3000=80/tcp\n"
		 "  bindgate attach --permanent unit:nginx 80/tcp 443/tcp\n"
		 "  bindgate attach --permanent user:alice 80/tcp\n",
	.options = attach_options,
	.arguments = (const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_CGROUP },
						    { .name = "RULE", .many = true },
						    { 0 } },
	.run = run_attach,
};

const struct command cmd_add = {
	.name = "add",
	.summary = "add rules behind those of a live gate",
	.notes = "  bindgate add /app 8443/tcp 25,for=10m\n",
	.options = edit_options,
	.arguments = (const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_GATE },
						    { .name = "RULE", .many = true },
						    { 0 } },
	.run = run_add,
};

const struct command cmd_remove = {
	.name = "remove",
	.summary = "take rules out of a live gate",
	.notes = "  bindgate remove /app 8443/tcp\n",
	.options = edit_options,
	.arguments = (const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_GATE },
						    { .name = "RULE", .words = CLI_RULE, .many = true },
						    { 0 } },
	.run = run_remove,
};
