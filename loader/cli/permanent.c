// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/permanent.h"

#include "gate/sweep.h"
#include "permanent/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*edit_fn)(struct bg_policy *policy, const char *rule, struct bg_error *error);

/* A gate that was made or changed now, and how it was. */
struct live {
	struct bg_gate before; /* id 0: there was none */
	struct bg_gate gate;
	int result; /* enum bg_attach_result */
};

struct work {
	struct cli *cli;
	struct bg_permanent permanent;
	bool was_there;
	char **rules; /* of add and remove; NULL: the gate is to be as the permanent one */
	edit_fn edit;
	struct bg_store store;
	bool is_open;
	struct live *live;
	size_t count;
	struct bg_error error;
};

/* ---- the gates that stand now ---- */

static bool has_rule(const struct bg_policy *policy, const char *text)
{
	struct bg_policy *copy = bg_need(malloc(sizeof(*copy)));
	bool has;

	*copy = *policy;
	has = !bg_policy_remove(copy, text, NULL);
	free(copy);
	return has;
}

/* A gate may have been changed by hand: it keeps what the edit is not about. */
static int edit_policy(const struct work *work, struct bg_policy *policy, struct bg_error *error)
{
	int err = 0;

	for (char **rule = work->rules; *rule && !err; rule++)
		if (has_rule(policy, *rule) == (work->edit == bg_policy_remove))
			err = work->edit(policy, *rule, error);
	return err;
}

static int attach_one(const char *name, void *arg)
{
	struct work *work = arg;
	struct bg_policy *policy;
	struct bg_cgroup cgroup;
	struct live *live;
	int err = bg_cgroup_find(name, &cgroup, &work->error);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!work->is_open)
		err = bg_sweep_open(work->cli->pin_dir, BG_STORE_WRITE, &work->store, &work->error);
	if (err)
		return err;
	work->is_open = true;
	work->live = bg_need(reallocarray(work->live, work->count + 1, sizeof(*work->live)));
	live = &work->live[work->count];
	*live = (struct live){ 0 };
	policy = bg_need(malloc(sizeof(*policy)));
	*policy = work->permanent.policy;
	err = bg_gate_read(&work->store, cgroup.id, &live->before, &work->error);
	if (err == -ENOENT)
		live->before.id = 0;
	if (!err && work->rules && !*live->before.damage) {
		*policy = live->before.policy;
		memcpy(policy->owner, work->permanent.policy.owner, sizeof(policy->owner));
		err = edit_policy(work, policy, &work->error);
	}
	if (!err || err == -ENOENT)
		err = bg_gate_attach(&work->store, &cgroup, policy, BG_ATTACH_KEEP_EXPIRED, &work->error);
	free(policy);
	if (err < 0)
		return err;
	live->result = err;
	work->count++;
	return bg_gate_read(&work->store, cgroup.id, &live->gate, &work->error);
}

static void put_back(struct work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		const struct live *live = &work->live[i];

		if (live->before.id)
			bg_gate_attach(&work->store, &live->gate.cgroup, &live->before.policy,
				       BG_ATTACH_KEEP_EXPIRED, NULL);
		else
			bg_gate_detach(&work->store, live->gate.id, NULL);
	}
}

/* ---- the answer ---- */

static json_t *permanent_json(const struct bg_permanent *permanent)
{
	struct bg_gate *gate = bg_need(calloc(1, sizeof(*gate)));
	json_t *all, *out;

	gate->policy = permanent->policy;
	all = bg_json_gate(gate);
	out = json_pack("{s:o,s:o,s:s,s:O,s:O,s:O,s:O,s:o}", "cgroup", bg_json_text(permanent->name), "file",
			bg_json_text(permanent->file), "kept_by", bg_permanent_keeper_name(permanent->keeper),
			"default", json_object_get(all, "default"), "netns", json_object_get(all, "netns"), "audit",
			json_object_get(all, "audit"), "label", json_object_get(all, "label"), "rules",
			json_array());
	for (unsigned int i = 0; i < permanent->policy.count; i++) {
		char text[BG_RULE_TEXT_MAX];

		json_array_append_new(json_object_get(out, "rules"),
				      json_string(bg_rule_print(&permanent->policy.rules[i], text)));
	}
	json_decref(all);
	free(gate);
	return bg_need(out);
}

static int print_answer(const struct work *work)
{
	const struct bg_permanent *permanent = &work->permanent;
	const char *result = work->was_there ? "replaced" : "attached";
	json_t *gates;

	if (!work->cli->json) {
		for (size_t i = 0; i < work->count; i++)
			cli_print_policy(cli_attach_results[work->live[i].result], work->live[i].gate.cgroup.name,
					 &work->live[i].gate.policy);
		cli_print_policy("permanent", permanent->name, &permanent->policy);
		printf("  in %s: %s\n", bg_escape(permanent->file),
		       permanent->keeper == BG_KEPT_BY_SYSTEMD
			       ? "there before the first process, at every start"
			       : "bindgated makes it milliseconds after its cgroup");
		return cli_finish_output(work->cli);
	}
	gates = json_array();
	for (size_t i = 0; i < work->count; i++)
		json_array_append_new(gates, bg_json_gate(&work->live[i].gate));
	cli_print_json(json_pack("{s:s,s:o,s:o,s:o}", "result", result, "permanent", permanent_json(permanent),
				 "gates", gates, "warnings", cli_warnings()));
	return cli_finish_output(work->cli);
}

/* ---- attach, add, remove ---- */

/* What a gate has that was attached by hand becomes permanent with what is added; but not what ends by itself. */
static int take_live(const char *name, void *arg)
{
	struct work *work = arg;
	struct bg_policy *policy = &work->permanent.policy;
	struct bg_gate *gate = bg_need(malloc(sizeof(*gate)));
	struct bg_cgroup cgroup;
	struct bg_store store;
	unsigned int count = 0;
	int found = 0;

	if (!bg_cgroup_find(name, &cgroup, NULL) &&
	    !bg_sweep_open(work->cli->pin_dir, BG_STORE_READ, &store, NULL)) {
		found = !bg_gate_read(&store, cgroup.id, gate, NULL) && !*gate->damage;
		bg_store_close(&store);
	}
	if (found) {
		*policy = gate->policy;
		for (unsigned int i = 0; i < gate->policy.count; i++)
			if (!gate->policy.rules[i].seconds)
				policy->rules[count++] = gate->policy.rules[i];
		policy->count = count;
	}
	free(gate);
	return found;
}

static int declare(struct work *work, const char *name, const struct bg_policy *policy)
{
	const char *usual = "/sys/fs/bpf/bindgate";
	struct bg_permanent_change change;
	int err = bg_permanent_begin(&change, &work->error);

	if (err)
		return err;
	if (!policy) {
		err = bg_permanent_read(name, &work->permanent, &work->error);
		if (err == -ENOENT && work->edit == bg_policy_add &&
		    bg_permanent_each_cgroup(name, take_live, work, NULL) == 1) {
			*work->permanent.damage = '\0';
			err = 0;
		}
		if (!err && *work->permanent.damage)
			err = bg_error(&work->error, -EBADMSG, "%.300s: %.200s; attach --permanent writes it anew",
				       work->permanent.file, work->permanent.damage);
		for (char **rule = work->rules; *rule && !err; rule++)
			err = work->edit(&work->permanent.policy, *rule, &work->error) ? -EBADE : 0;
	} else {
		work->was_there = !bg_permanent_read(name, &work->permanent, NULL);
		work->permanent.policy = *policy;
	}
	if (!err) {
		struct bg_policy *wanted = bg_need(malloc(sizeof(*wanted)));

		*wanted = work->permanent.policy;
		bg_policy_set_owner(wanted, "cli", NULL);
		err = bg_permanent_set(&change, name, wanted,
				       strcmp(work->cli->pin_dir, usual) ? work->cli->pin_dir : NULL,
				       &work->permanent, &work->error);
		free(wanted);
	}
	if (!err)
		err = bg_permanent_each_cgroup(name, attach_one, work, &work->error);
	if (err)
		put_back(work);
	bg_permanent_end(&change, err != 0);
	if (work->is_open)
		bg_store_close(&work->store);
	for (size_t i = 0; !err && i < BG_PERMANENT_NOTES; i++)
		if (*change.notes[i])
			cli_print_warning(work->cli, "%s", change.notes[i]);
	return err;
}

static int change(struct cli *cli, const char *text, const struct bg_policy *policy, char **rules, edit_fn edit)
{
	struct work *work = bg_need(calloc(1, sizeof(*work)));
	char name[BG_PERMANENT_NAME_MAX];
	int err, status;

	*work = (struct work){ .cli = cli, .rules = rules, .edit = edit, .was_there = rules };
	err = bg_permanent_name(text, name, &work->error);
	if (!err)
		err = declare(work, name, policy);
	if (err == -ENOENT && rules)
		status = cli_print_error_as(cli, NO_GATE, &work->error);
	else if (err)
		status = cli_print_error(cli, err, &work->error);
	else
		status = print_answer(work);
	free(work->live);
	free(work);
	return status;
}

int cli_attach_permanent(struct cli *cli, const char *name, const struct bg_policy *policy)
{
	return change(cli, name, policy, NULL, NULL);
}

int cli_edit_permanent(struct cli *cli, const char *name, char **rules, edit_fn each)
{
	return change(cli, name, NULL, rules, each);
}

/* ---- detach ---- */

static int collect_name(const struct bg_permanent *permanent, void *arg)
{
	json_array_append_new(arg, json_string(permanent->name));
	return 0;
}

int cli_forget_permanent(const char *name, json_t *names,
			 void (*failed)(const char *name, int status, const struct bg_error *error, void *arg),
			 void *arg)
{
	struct bg_permanent_change change;
	struct bg_error error = { "" };
	json_t *wanted = json_array(), *each;
	int err = 0, status = DONE;
	size_t i;

	if (name)
		json_array_append_new(wanted, json_string(name));
	else
		err = bg_permanent_each(collect_name, wanted, &error);
	if (err) {
		status = FAILED;
		failed("", status, &error, arg);
	}
	json_array_foreach(wanted, i, each)
	{
		err = bg_permanent_begin(&change, &error);
		if (!err) {
			err = bg_permanent_unset(&change, json_string_value(each), &error);
			bg_permanent_end(&change, err != 0);
		}
		if (!err) {
			json_array_append(names, each);
			continue;
		}
		status = err == -ENOENT ? NO_GATE : FAILED;
		failed(json_string_value(each), status, &error, arg);
	}
	json_decref(wanted);
	return status;
}

/* ---- list --permanent ---- */

struct listing {
	struct cli *cli;
	struct table *table;
	json_t *all;
	char (*gates)[PATH_MAX]; /* the names of those that stand */
	size_t count;
};

static int collect_gate(const struct bg_gate *gate, FILE *out, void *arg)
{
	struct listing *listing = arg;

	(void)out;
	listing->gates = bg_need(reallocarray(listing->gates, listing->count + 1, sizeof(*listing->gates)));
	snprintf(listing->gates[listing->count++], PATH_MAX, "%s", gate->cgroup.name);
	return DONE;
}

static void add_row(struct table *table, const char *name, const char *rule, const char *keeper, const char *now)
{
	table_cell(table, "%s", name);
	table_cell(table, "%s", rule);
	table_cell(table, "%s", keeper);
	table_cell(table, "%s", now);
}

static int list_one(const struct bg_permanent *permanent, void *arg)
{
	struct listing *listing = arg;
	const struct bg_policy *policy = &permanent->policy;
	const char *keeper = bg_permanent_keeper_name(permanent->keeper);
	char text[BG_RULE_TEXT_MAX];
	json_t *object;
	bool active = false;

	for (size_t i = 0; i < listing->count && !active; i++)
		active = bg_permanent_is_for(permanent->name, listing->gates[i]);
	if (*permanent->damage)
		cli_print_warning(listing->cli, "%.300s: %s", permanent->file, permanent->damage);
	if (listing->cli->json) {
		object = permanent_json(permanent);
		json_object_set_new(object, "active", json_boolean(active));
		json_array_append_new(listing->all, object);
		return 0;
	}
	json_array_append_new(listing->all, json_null());
	for (unsigned int i = 0; i < policy->count; i++)
		add_row(listing->table, i ? "" : permanent->name, bg_rule_print(&policy->rules[i], text),
			i ? "" : keeper,
			i        ? ""
			: active ? "there"
				 : "not there");
	snprintf(text, sizeof(text), "default %s%s%s", bg_verdict_name(policy->default_verdict),
		 policy->netns == BG_NETNS_HOST ? ", netns host" : "", policy->audit ? ", audit" : "");
	add_row(listing->table, policy->count ? "" : permanent->name, text, policy->count ? "" : keeper,
		policy->count ? ""
		: active      ? "there"
			      : "not there");
	return 0;
}

int cli_list_permanent(struct cli *cli)
{
	struct listing listing = { .cli = cli, .table = table_new(4), .all = json_array() };
	struct bg_error error = { "" };
	int status, err;

	add_row(listing.table, "CGROUP", "RULE", "KEPT BY", "NOW");
	status = cli_each_gate(cli, NULL, collect_gate, &listing);
	err = status == DONE ? bg_permanent_each(list_one, &listing, &error) : 0;
	if (err)
		status = cli_print_error(cli, err, &error);
	else if (status == DONE && cli->json)
		cli_print_json(json_pack("{s:O,s:o}", "permanent", listing.all, "warnings", cli_warnings()));
	else if (status == DONE && json_array_size(listing.all))
		table_print(listing.table, stdout);
	else if (status == DONE)
		printf("There are no permanent gates. bindgate attach --permanent unit:nginx 80/tcp makes one.\n");
	table_free(listing.table);
	json_decref(listing.all);
	free(listing.gates);
	return status == DONE ? cli_finish_output(cli) : status;
}
