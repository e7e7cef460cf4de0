// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What several commands do with gates: find, read, show as JSON. */
#include "cli.h"
#include "ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int find_gate(const struct cli *cli, const char *name, struct bg_cgroup *out)
{
	struct bg_cgroup cgroup = { 0 };
	struct bg_error error = { "" };
	char *end;
	int err;

	if (strncmp(name, "id:", 3)) {
		err = bg_cgroup_find(name, out, &error);
		if (err == -ENOENT)
			return fail_as(cli, NO_GATE, &error);
		return err ? fail(cli, err, &error) : DONE;
	}
	errno = 0;
	cgroup.id = strtoull(name + 3, &end, 10);
	if (errno || name[3] < '1' || name[3] > '9' || *end)
		return usage(cli, "\"%.32s\" is not a cgroup's id: id:N, with the number that list -j shows", name);
	snprintf(cgroup.name, sizeof(cgroup.name), "%s", name);
	*out = cgroup;
	return DONE;
}

int not_a_gate(const struct cli *cli, const struct bg_cgroup *cgroup)
{
	struct bg_error error;

	bg_error(&error, -ENOENT, "%.512s is not a gate: bindgate attach makes it one", cgroup->name);
	return fail_as(cli, NO_GATE, &error);
}

json_t *rule_json(const struct bg_gate *gate, unsigned int index)
{
	const struct bg_rule *rule = &gate->policy.rules[index];
	char text[BG_RULE_TEXT_MAX];
	json_t *left = rule->deadline ? json_integer(bg_rule_seconds_left(rule, bg_ticks_now())) : json_null();

	return json_pack("{s:s,s:I,s:o}", "rule", bg_rule_print(rule, text), "hits", (json_int_t)gate->hits[index],
			 "expires_in_s", left);
}

json_t *gate_json(const struct bg_gate *gate)
{
	const struct bg_policy *policy = &gate->policy;
	json_t *rules = json_array(), *verdicts = json_object(), *out;

	for (unsigned int i = 0; i < policy->count; i++)
		json_array_append_new(rules, rule_json(gate, i));
	for (__u8 verdict = 0; verdict < BG_VERDICTS; verdict++)
		json_object_set_new(verdicts, bg_verdict_name(verdict),
				    json_integer((json_int_t)gate->verdicts[verdict]));
	out = json_pack("{s:o,s:o,s:I,s:s,s:s,s:s,s:s,s:b,s:o,s:o,s:I,s:I}", "cgroup",
			clean_json(gate->cgroup.name), "path", clean_json(gate->cgroup.path), "id",
			(json_int_t)gate->id, "owner", policy->owner, "label", policy->label, "default",
			bg_verdict_name(policy->fallback), "netns", bg_netns_name(policy->netns), "audit",
			policy->audit, "rules", rules, "verdicts", verdicts, "default_hits",
			(json_int_t)gate->fallback_hits, "unasked_hits", (json_int_t)gate->unasked_hits);
	if (out && *gate->damage)
		json_object_set_new(out, "damage", json_string(gate->damage));
	return out;
}

static int read_all(struct cli *cli, struct bg_store *store, int (*each)(const struct bg_gate *gate, void *arg),
		    void *arg)
{
	struct bg_gate *gate = malloc(sizeof(*gate));
	struct bg_error error = { "" };
	size_t count = 0;
	int status = DONE, err;
	__u64 *ids = NULL;

	err = bg_gate_ids(store, &ids, &count, &error);
	if (err)
		status = fail(cli, err, &error);
	for (size_t i = 0; i < count && status == DONE; i++) {
		err = bg_gate_read(store, ids[i], gate, &error);
		if (!err)
			status = each(gate, arg);
		else if (err != -ENOENT && err != -ESTALE) /* gone meanwhile */
			status = fail(cli, err, &error);
	}
	free(ids);
	free(gate);
	return status;
}

int each_gate(struct cli *cli, const char *name, int (*each)(const struct bg_gate *gate, void *arg), void *arg)
{
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	struct bg_store store;
	struct bg_gate *gate;
	int status, err = bg_store_open(cli->pin_dir, BG_STORE_READ, &store, &error);

	if (err)
		return fail(cli, err, &error);
	if (!name) {
		status = read_all(cli, &store, each, arg);
		bg_store_close(&store);
		return status;
	}
	gate = malloc(sizeof(*gate));
	status = find_gate(cli, name, &cgroup);
	err = status == DONE ? bg_gate_read(&store, cgroup.id, gate, &error) : 0;
	if (err == -ENOENT)
		status = not_a_gate(cli, &cgroup);
	else if (err)
		status = fail(cli, err, &error);
	else if (status == DONE)
		status = each(gate, arg);
	free(gate);
	bg_store_close(&store);
	return status;
}
