// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "config/file.h"
#include "gate/sweep.h"
#include "cgroup/glob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWNER "apply"

enum {
	OPTION_DRY_RUN = 257,
	OPTION_ADOPT,
};

/* What is to become of one gate. */
struct change {
	__u64 id;
	char *name;
	struct bg_policy *before; /* NULL: no gate */
	struct bg_policy *after;  /* NULL: none any more */
	bool same;
};

struct plan {
	struct cli *cli;
	struct bg_store *store;
	struct bg_error error;
	const struct bg_declared_gate *gate; /* being planned */
	bool adopt;
	struct change *changes;
	size_t count;
};

/* The policy that stands there; *out NULL: none does, or a damaged one. */
static int read_policy(struct plan *plan, __u64 id, struct bg_policy **out)
{
	static struct bg_gate gate;
	int err = bg_gate_read(plan->store, id, &gate, &plan->error);

	*out = NULL;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (*gate.damage)
		return 0;
	*out = bg_need(malloc(sizeof(**out)));
	**out = gate.policy;
	return 0;
}

static bool is_planned(const struct plan *plan, __u64 id)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->changes[i].id == id)
			return true;
	return false;
}

static struct change *add_change(struct plan *plan, __u64 id, const char *name, struct bg_policy *before)
{
	struct change *change;

	plan->changes = bg_need(reallocarray(plan->changes, plan->count + 1, sizeof(*plan->changes)));
	change = &plan->changes[plan->count++];
	*change = (struct change){ .id = id, .name = bg_need(strdup(name)), .before = before };
	return change;
}

/* The same but for who keeps it: whoever that is, it stays. */
static bool same_policy(const struct bg_policy *before, const struct bg_policy *after)
{
	struct bg_policy owned = *after;

	memcpy(owned.owner, before->owner, sizeof(owned.owner));
	return bg_policy_same(before, &owned);
}

static int plan_gate(const struct bg_cgroup *cgroup, void *arg)
{
	struct plan *plan = arg;
	struct bg_policy *before;
	struct change *change;
	int err;

	if (is_planned(plan, cgroup->id)) /* the declaration that comes first has it */
		return 0;
	err = read_policy(plan, cgroup->id, &before);
	if (err)
		return err;
	change = add_change(plan, cgroup->id, cgroup->name, before);
	change->after = bg_need(malloc(sizeof(*change->after)));
	err = bg_declare_policy(&plan->gate->policy, OWNER, change->after, &plan->error);
	if (err || !change->before)
		return err;
	change->same = same_policy(change->before, change->after);
	if (!change->same && strcmp(change->before->owner, OWNER) && !plan->adopt &&
	    !(plan->gate->adopt && *plan->gate->adopt))
		return bg_error(
			&plan->error, -EPERM,
			"%.512s is a gate of \"%s\" with another policy: detach it, or add --adopt to take it over",
			cgroup->name, change->before->owner);
	return 0;
}

/* Gates that an earlier apply made and this file has no more. */
static int plan_removals(struct plan *plan)
{
	__u64 *ids = NULL;
	size_t count = 0;
	int err = bg_gate_ids(plan->store, &ids, &count, &plan->error);

	for (size_t i = 0; i < count && !err; i++) {
		struct bg_policy *policy;
		struct bg_cgroup cgroup;

		if (is_planned(plan, ids[i]) || bg_cgroup_from_id(ids[i], &cgroup, NULL))
			continue;
		err = read_policy(plan, ids[i], &policy);
		if (!err && policy && !strcmp(policy->owner, OWNER))
			add_change(plan, ids[i], cgroup.name, policy);
		else if (!err)
			free(policy);
	}
	free(ids);
	return err;
}

static int make_plan(struct plan *plan, const struct bg_declaration *declaration)
{
	int err = 0;

	for (unsigned int i = 0; i < declaration->gates_count && !err; i++) {
		plan->gate = &declaration->gates[i];
		err = bg_cgroup_each(plan->gate->cgroup, plan_gate, plan, &plan->error);
	}
	return err ? err : plan_removals(plan);
}

static int set_gate(const struct plan *plan, const struct change *change, const struct bg_policy *policy,
		    struct bg_error *error)
{
	struct bg_cgroup cgroup;
	int err;

	if (!policy) {
		err = bg_gate_detach(plan->store, change->id, error);
		return err == -ENOENT ? 0 : err;
	}
	err = bg_cgroup_from_id(change->id, &cgroup, error);
	if (!err)
		err = bg_gate_attach(plan->store, &cgroup, policy, BG_ATTACH_KEEP_EXPIRED, error);
	return err < 0 ? err : 0;
}

/* All, or none: what was done before something failed is taken back. */
static int carry_out(struct plan *plan)
{
	int err = 0;
	size_t done;

	for (done = 0; done < plan->count && !err; done++)
		if (!plan->changes[done].same)
			err = set_gate(plan, &plan->changes[done], plan->changes[done].after, &plan->error);
	for (size_t i = done; err && i-- > 0;)
		if (!plan->changes[i].same)
			set_gate(plan, &plan->changes[i], plan->changes[i].before, NULL);
	return err;
}

/* ---- telling ---- */

static void print_options(const char *sign, const struct bg_policy *policy)
{
	printf("%s   default %s%s%s", sign, bg_verdict_name(policy->default_verdict),
	       policy->netns == BG_NETNS_HOST ? ", netns host" : "", policy->audit ? ", audit" : "");
	if (*policy->label)
		printf(", label \"%s\"", policy->label);
	putchar('\n');
}

static bool same_options(const struct bg_policy *a, const struct bg_policy *b)
{
	return a->default_verdict == b->default_verdict && a->netns == b->netns && a->audit == b->audit &&
	       !strcmp(a->label, b->label);
}

/* As diff does: the longest run of rules that both have in order stays. */
static void print_rules(const struct bg_policy *before, const struct bg_policy *after)
{
	static __u16 longest[BG_RULES_MAX + 1][BG_RULES_MAX + 1];
	char text[BG_RULE_TEXT_MAX];
	unsigned int i, k;

	for (i = before->count + 1; i-- > 0;)
		for (k = after->count + 1; k-- > 0;) {
			if (i == before->count || k == after->count)
				longest[i][k] = 0;
			else if (bg_rule_same(&before->rules[i], &after->rules[k]))
				longest[i][k] = (__u16)(longest[i + 1][k + 1] + 1);
			else
				longest[i][k] = longest[i + 1][k] > longest[i][k + 1] ? longest[i + 1][k]
										      : longest[i][k + 1];
		}
	for (i = k = 0; i < before->count || k < after->count;) {
		bool both = i < before->count && k < after->count;

		if (both && bg_rule_same(&before->rules[i], &after->rules[k])) {
			printf("    %s\n", bg_rule_print(&before->rules[i++], text));
			k++;
		} else if (i < before->count && (!both || longest[i + 1][k] >= longest[i][k + 1])) {
			printf("%s-   %s%s\n", cli_style("red"), bg_rule_print(&before->rules[i++], text),
			       cli_style("plain"));
		} else {
			printf("%s+   %s%s\n", cli_style("green"), bg_rule_print(&after->rules[k++], text),
			       cli_style("plain"));
		}
	}
}

static void print_change(const struct change *change)
{
	static const struct bg_policy none = { 0 };
	const struct bg_policy *before = change->before ? change->before : &none,
			       *after = change->after ? change->after : &none;
	const char *sign = !change->before ? "+" : !change->after ? "-" : " ";

	printf("%s%s %s%s\n",
	       cli_style(!change->before  ? "green"
			 : !change->after ? "red"
					  : "plain"),
	       sign, bg_escape(change->name), cli_style("plain"));
	if (change->before && change->after && same_options(before, after)) {
		print_rules(before, after);
		return;
	}
	if (change->before)
		print_options("-", before);
	if (change->after)
		print_options("+", after);
	print_rules(before, after);
}

static json_t *rules_json(const struct bg_policy *policy)
{
	json_t *rules;
	char text[BG_RULE_TEXT_MAX];

	if (!policy)
		return json_null();
	rules = json_array();
	for (unsigned int i = 0; i < policy->count; i++)
		json_array_append_new(rules, json_string(bg_rule_print(&policy->rules[i], text)));
	return rules;
}

static const char *result_of(const struct change *change)
{
	if (change->same)
		return "unchanged";
	if (!change->after)
		return "detached";
	return change->before ? "replaced" : "attached";
}

static int print_plan(const struct plan *plan, bool dry_run)
{
	json_t *list = plan->cli->json ? json_array() : NULL;
	size_t counted = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct change *change = &plan->changes[i];

		counted += !change->same;
		if (plan->cli->json)
			json_array_append_new(
				list, json_pack("{s:o,s:s,s:o,s:o}", "cgroup", bg_json_text(change->name), "result",
						result_of(change), "before", rules_json(change->before), "after",
						rules_json(change->after)));
		else if (dry_run && !change->same)
			print_change(change);
		else if (!dry_run && !change->same)
			printf("%s %s\n", result_of(change), bg_escape(change->name));
	}
	if (plan->cli->json)
		cli_print_json(json_pack("{s:b,s:o}", "dry_run", dry_run, "gates", list));
	else if (!counted)
		printf("Nothing to change: the gates are as declared.\n");
	return cli_finish_output(plan->cli);
}

static void free_plan(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->changes[i].name);
		free(plan->changes[i].before);
		free(plan->changes[i].after);
	}
	free(plan->changes);
}

static int run_apply(struct cli *cli, int argc, char **argv)
{
	struct plan plan = { .cli = cli };
	struct bg_declaration *declaration;
	struct bg_store store;
	bool dry_run = false;
	int option, status, err;

	while ((option = cli_next_option(cli, argc, argv)) != -1) {
		dry_run |= option == OPTION_DRY_RUN;
		plan.adopt |= option == OPTION_ADOPT;
	}
	if (argc - optind != 1)
		return cli_usage_error(cli, "one file is needed, or - for standard input");
	err = bg_declare_read(argv[optind], &declaration, &plan.error);
	if (err)
		return cli_print_error(cli, err, &plan.error);
	err = bg_sweep_open(cli->pin_dir, BG_STORE_WRITE, &store, &plan.error);
	if (!err) {
		plan.store = &store;
		err = make_plan(&plan, declaration);
		if (!err && !dry_run)
			err = carry_out(&plan);
		bg_store_close(&store);
	}
	status = err ? cli_print_error(cli, err, &plan.error) : print_plan(&plan, dry_run);
	free_plan(&plan);
	bg_declare_free(declaration);
	return status;
}

static const struct cli_option options[] = {
	{ .name = "dry-run",
	  .help = "say what would change, as + and - lines, and change nothing",
	  .id = OPTION_DRY_RUN },
	{ .name = "adopt", .help = "take over gates of the file that another owner made", .id = OPTION_ADOPT },
	{ 0 },
};

const struct command cmd_apply = {
	.name = "apply",
	.summary = "make gates what a YAML file declares",
	.notes =
		"All or nothing. Gates that apply made and the file has no more are detached; others are left alone.\n\n"
		"  bindgate apply --dry-run gates.yaml\n"
		"  bindgate export | bindgate apply -\n",
	.options = options,
	.arguments = (const struct cli_argument[]){ { .name = "FILE", .words = CLI_FILE }, { 0 } },
	.run = run_apply,
};
