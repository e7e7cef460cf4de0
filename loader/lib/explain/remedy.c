// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/remedy_internal.h"

#include "base/escape.h"
#include "systemd/service.h"
#include "systemd/systemctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* `other` may be NULL. */
static void print_words(FILE *out, const char *one, const char *other)
{
	fputc(' ', out);
	bg_print_word(out, one);
	if (!other)
		return;
	fputc(' ', out);
	bg_print_word(out, other);
}

/* What a cgroup is called in a command whose work lasts, and with which option: what goes with a unit's stop, or with a
 * session's end, is no answer. */
static const char *lasting(const char *cgroup, const char **name, char room[static BG_UNIT_MAX + 8])
{
	*name = cgroup;
	if (!bg_systemd_runs() || !bg_lasting_name(cgroup, room))
		return "";
	*name = room;
	return " --permanent";
}

/* Rules that end by themselves cannot be kept. */
static bool can_be_kept(const struct bg_policy *policy)
{
	for (unsigned int i = 0; i < policy->count; i++)
		if (policy->rules[i].seconds)
			return false;
	return true;
}

/* A rule in front of all others: a policy is declared anew for that. */
static void put_in_front(const struct bg_policy *policy, const char *cgroup, const char *rule, FILE *remedy)
{
	char text[BG_RULE_TEXT_MAX], room[BG_UNIT_MAX + 8];
	const char *name, *option = lasting(cgroup, &name, room);

	if (!can_be_kept(policy)) {
		name = cgroup;
		option = "";
	}
	fprintf(remedy, "bindgate attach%s%s%s%s", option,
		policy->default_verdict == BG_DENY ? " --default deny" : "",
		policy->netns == BG_NETNS_HOST ? " --netns host" : "", policy->audit ? " --audit" : "");
	if (*policy->label)
		print_words(remedy, "--label", policy->label);
	print_words(remedy, name, rule);
	for (unsigned int i = 0; i < policy->count; i++)
		print_words(remedy, bg_rule_print(&policy->rules[i], text), NULL);
}

/* What makes one gate allow the bind that it sees. */
static int open_gate(struct bg_store *store, const struct bg_step *step, const struct bg_bind *seen, FILE *remedy,
		     struct bg_error *error)
{
	struct bg_gate *gate;
	struct bg_cgroup found;
	char rule[32], room[BG_UNIT_MAX + 8];
	const char *name, *option = lasting(step->cgroup, &name, room);
	int err = 0;

	snprintf(rule, sizeof(rule), "%u/%s", seen->port, bg_protocol_name(seen->protocol));
	fputs(ftell(remedy) ? " && " : "", remedy);
	if (!*step->rule) {
		fprintf(remedy, "bindgate add%s", option);
		print_words(remedy, name, rule);
		return 0;
	}
	if (step->declared) {
		put_in_front(step->declared, step->cgroup, rule, remedy);
		return 0;
	}
	gate = malloc(sizeof(*gate));
	err = gate ? bg_cgroup_find(step->cgroup, &found, error) : -ENOMEM;
	if (!err)
		err = bg_gate_read(store, found.id, gate, error);
	if (!err)
		put_in_front(&gate->policy, step->cgroup, rule, remedy);
	free(gate);
	return err;
}

/* The gate that the cgroup's lasting name is for; NULL: it has none. */
static const struct bg_step *kept_step(const struct bg_explanation *out, const char *name)
{
	char room[BG_UNIT_MAX + 8];

	for (unsigned int i = 0; i < out->steps_count; i++)
		if (bg_lasting_name(out->steps[i].cgroup, room) && !strcmp(room, name) &&
		    out->steps[i].answer.slot != BG_SLOT_BYPASSED)
			return &out->steps[i];
	return NULL;
}

int bg_find_remedy(struct bg_store *store, const struct bg_explanation *out, FILE *remedy, struct bg_error *error)
{
	const struct bg_bind *seen = &out->requested;
	char rule[64], room[BG_UNIT_MAX + 8];
	bool opened = out->waived;
	const char *name, *option;
	int err = 0;

	for (unsigned int i = 0; i < out->steps_count && !err; i++) {
		const struct bg_step *step = &out->steps[i];

		if (step->answer.verdict == BG_DENY && !step->audit) {
			err = open_gate(store, step, seen, remedy, error);
			opened = true;
		}
		seen = &step->after;
	}
	if (err || opened || !out->privileged || out->process.may_bind_low)
		return err;
	/* nobody denies it, nobody allows it: the gate that is nearest shall, where netns host lets it */
	if (out->steps_count && !strcmp(out->steps[0].cgroup, out->cgroup.name) &&
	    out->steps[0].answer.slot != BG_SLOT_BYPASSED)
		return open_gate(store, &out->steps[0], &out->requested, remedy, error);
	if (out->steps_count && !strcmp(out->steps[0].cgroup, out->cgroup.name))
		return 0; /* netns host, and it is elsewhere */
	option = lasting(out->cgroup.name, &name, room);
	if (*option && kept_step(out, name))
		return open_gate(store, kept_step(out, name), &out->requested, remedy, error);
	snprintf(rule, sizeof(rule), "%u/%s", out->actual.port, bg_protocol_name(out->actual.protocol));
	if (!strcmp(out->cgroup.name, "/")) /* not to everybody */
		snprintf(rule + strlen(rule), sizeof(rule) - strlen(rule), ",uid=%u", out->process.uid);
	fprintf(remedy, "%sbindgate attach%s", ftell(remedy) ? " && " : "", option);
	print_words(remedy, name, rule);
	return 0;
}
