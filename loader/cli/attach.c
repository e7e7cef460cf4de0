// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option attach_options[] = { POLICY_OPTIONS, COMMON_OPTIONS };
static const struct option no_options[] = { COMMON_OPTIONS };

static void warn_of_dead_rules(const struct cli *cli, const struct bg_policy *policy)
{
	char dead[BG_RULE_TEXT_MAX], cover[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < policy->count; i++) {
		int by = bg_policy_covered_by(policy, i);

		if (by >= 0)
			warn(cli, "rule \"%s\" can never match: \"%s\" before it takes all its binds",
			     bg_rule_print(&policy->rules[i], dead), bg_rule_print(&policy->rules[by], cover));
	}
}

static void warn_of_others(const struct cli *cli, const struct bg_cgroup *cgroup)
{
	bool is_group;
	__u32 id;

	if (!bg_cgroup_open_to_others(cgroup, &id, &is_group))
		return;
	if (id == (__u32)-1)
		warn(cli, "everybody may write %.512s/cgroup.procs: whoever enters the cgroup gets its ports",
		     cgroup->path);
	else
		warn(cli, "%s %u may write %.512s/cgroup.procs: whoever enters the cgroup gets its ports",
		     is_group ? "group" : "user", id, cgroup->path);
}

static void print_policy(const char *result, const struct bg_cgroup *cgroup, const struct bg_policy *policy)
{
	char text[BG_RULE_TEXT_MAX];

	printf("%s %s:", result, bg_clean(cgroup->name));
	for (unsigned int i = 0; i < policy->count; i++)
		printf(" %s", bg_rule_print(&policy->rules[i], text));
	printf("%sdefault %s%s%s\n", policy->count ? ", " : " ", bg_verdict_name(policy->fallback),
	       policy->netns == BG_NETNS_HOST ? ", netns host" : "", policy->audit ? ", audit" : "");
}

static int attach(struct cli *cli, struct bg_store *store, const struct bg_cgroup *cgroup,
		  const struct bg_policy *policy)
{
	static const char *const results[] = { "attached", "replaced", "unchanged" };
	struct bg_error error = { "" };
	struct bg_gate *gate;
	int result = bg_gate_attach(store, cgroup, policy, 0, &error);

	if (result < 0)
		return fail(cli, result, &error);
	warn_of_dead_rules(cli, policy);
	warn_of_others(cli, cgroup);
	if (!cli->json) {
		print_policy(results[result], cgroup, policy);
		return finish(cli);
	}
	gate = malloc(sizeof(*gate));
	result = bg_gate_read(store, cgroup->id, gate, &error) ? -1 : result;
	if (result >= 0)
		print_json(json_pack("{s:s,s:o,s:o}", "result", results[result], "gate", bg_json_gate(gate),
				     "warnings", warnings()));
	free(gate);
	return result < 0 ? fail(cli, -EIO, &error) : finish(cli);
}

int policy_option(const struct cli *cli, int option, struct bg_policy *policy)
{
	struct bg_error error = { "" };
	int err = 0;

	if (option == OPTION_DEFAULT)
		err = bg_policy_set_fallback(policy, optarg, &error);
	else if (option == OPTION_NETNS)
		err = bg_policy_set_netns(policy, optarg, &error);
	else if (option == OPTION_LABEL)
		err = bg_policy_set_label(policy, optarg, &error);
	else
		policy->audit = true;
	return err ? usage(cli, "%s", error.text) : DONE;
}

int run_attach(struct cli *cli, int argc, char **argv)
{
	struct bg_policy policy = { .owner = "cli" };
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	struct bg_store store;
	bool has_default = false;
	int option, err, status = DONE;

	while (status == DONE && (option = next_option(cli, argc, argv, attach_options)) != -1) {
		status = policy_option(cli, option, &policy);
		has_default |= option == OPTION_DEFAULT;
	}
	if (status != DONE)
		return status;
	if (argc - optind < 1)
		return usage(cli, "a cgroup and its rules are missing");
	if (argc - optind < 2 && !has_default)
		return usage(cli, "a rule is missing, such as 80/tcp (a gate without rules wants --default deny)");
	for (int i = optind + 1; i < argc; i++)
		if (bg_policy_add(&policy, argv[i], &error))
			return fail_as(cli, USAGE, &error);
	err = bg_cgroup_find(argv[optind], &cgroup, &error);
	if (!err)
		err = bg_store_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (err)
		return fail(cli, err, &error);
	status = attach(cli, &store, &cgroup, &policy);
	bg_store_close(&store);
	return status;
}

typedef int (*edit_fn)(struct bg_policy *policy, const char *rule, struct bg_error *error);

/* All of the rules or none of them. */
static int edit_gate(struct cli *cli, struct bg_store *store, const struct bg_cgroup *cgroup, char **rules,
		     edit_fn each)
{
	struct bg_gate *gate = malloc(sizeof(*gate));
	struct bg_error error = { "" };
	int status, err = bg_gate_read(store, cgroup->id, gate, &error);

	if (!err && *gate->damage && !gate->policy.count)
		err = bg_error(&error, -EBADMSG, "%.512s: %s; attach its policy anew", cgroup->name, gate->damage);
	for (; *rules && !err; rules++)
		err = each(&gate->policy, *rules, &error) ? -EBADE : 0;
	if (!err)
		status = attach(cli, store, cgroup, &gate->policy);
	else if (err == -ENOENT)
		status = not_a_gate(cli, cgroup);
	else
		status = fail(cli, err, &error);
	free(gate);
	return status;
}

static int edit(struct cli *cli, int argc, char **argv, edit_fn each)
{
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	struct bg_store store;
	struct bg_rule rule;
	int status, err;

	next_option(cli, argc, argv, no_options);
	if (argc - optind < 2)
		return usage(cli, "a cgroup and rules are needed");
	for (int i = optind + 1; i < argc; i++)
		if (bg_rule_parse(argv[i], &rule, &error))
			return fail_as(cli, USAGE, &error);
	status = find_gate(cli, argv[optind], &cgroup);
	if (status != DONE)
		return status;
	err = bg_store_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (err)
		return fail(cli, err, &error);
	status = edit_gate(cli, &store, &cgroup, argv + optind + 1, each);
	bg_store_close(&store);
	return status;
}

int run_add(struct cli *cli, int argc, char **argv)
{
	return edit(cli, argc, argv, bg_policy_add);
}

int run_remove(struct cli *cli, int argc, char **argv)
{
	return edit(cli, argc, argv, bg_policy_remove);
}
