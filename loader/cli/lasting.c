// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/lasting.h"

#include "permanent/permanent.h"
#include "systemd/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of all permanent gates; read once a command. */
static struct {
	struct bg_permanent **each;
	size_t count;
	bool read;
} known;

static int collect_permanent(const struct bg_permanent *permanent, void *arg)
{
	(void)arg;
	known.each = bg_need(reallocarray(known.each, known.count + 1, sizeof(*known.each)));
	known.each[known.count] = bg_need(malloc(sizeof(*permanent)));
	*known.each[known.count++] = *permanent;
	return 0;
}

/* An instance's own is before its template's. NULL: there is none. */
static const struct bg_permanent *find_permanent(const char *cgroup)
{
	const struct bg_permanent *found = NULL;

	if (!known.read)
		bg_permanent_each(collect_permanent, NULL, NULL);
	known.read = true;
	for (size_t i = 0; i < known.count; i++)
		if (bg_permanent_is_for(known.each[i]->name, cgroup) && (!found || bg_unit_is_template(found->name)))
			found = known.each[i];
	return found;
}

static bool differs(const struct bg_policy *a, const struct bg_policy *b)
{
	struct bg_policy *same = bg_need(malloc(sizeof(*same)));
	bool result;

	*same = *a;
	memcpy(same->owner, b->owner, sizeof(same->owner));
	result = !bg_policy_same(same, b);
	free(same);
	return result;
}

void cli_look_lasting(const struct bg_gate *gate, struct cli_lasting *out)
{
	const char *leaf = strrchr(gate->cgroup.name, '/');
	const struct bg_permanent *permanent = find_permanent(gate->cgroup.name);
	char lasting[BG_UNIT_MAX + 8];

	*out = (struct cli_lasting){ .permanent = !strcmp(gate->policy.owner, BG_DAEMON_OWNER),
				     .keeper = BG_DAEMON_OWNER };
	if (bg_lasting_name(gate->cgroup.name, lasting)) {
		snprintf(out->name, sizeof(out->name), "%s", lasting);
		if (!strncmp(lasting, "unit:", 5))
			snprintf(out->ends_with, sizeof(out->ends_with), "%s", lasting + 5);
	}
	if (leaf && strlen(leaf) > 7 && !strcmp(leaf + strlen(leaf) - 6, ".scope"))
		snprintf(out->ends_with, sizeof(out->ends_with), "%.255s", leaf + 1);
	if (!permanent)
		return;
	out->permanent = true;
	out->keeper = bg_permanent_keeper_name(permanent->keeper);
	out->differs = differs(&permanent->policy, &gate->policy);
	snprintf(out->name, sizeof(out->name), "%s", permanent->name);
}

static void print_options(FILE *out, const struct bg_policy *policy)
{
	if (policy->default_verdict == BG_DENY)
		fputs(" --default deny", out);
	if (policy->netns == BG_NETNS_HOST)
		fputs(" --netns host", out);
	if (policy->audit)
		fputs(" --audit", out);
}

char *cli_lasting_line(const struct cli *cli, const struct bg_gate *gate)
{
	struct cli_lasting *lasting = bg_need(malloc(sizeof(*lasting)));
	char *line = NULL, text[BG_RULE_TEXT_MAX];
	size_t size;
	FILE *out;

	cli_look_lasting(gate, lasting);
	if (lasting->permanent && lasting->differs)
		cli_print_warning(
			cli,
			"this will not last: %s makes the permanent gate of %.300s again; with --permanent "
			"that is changed too",
			lasting->keeper, lasting->name);
	if (lasting->permanent || !*lasting->ends_with || !*lasting->name) {
		free(lasting);
		return NULL;
	}
	out = bg_need(open_memstream(&line, &size));
	fprintf(out, "bindgate attach --permanent");
	print_options(out, &gate->policy);
	if (*gate->policy.label) {
		fputs(" --label ", out);
		bg_print_word(out, gate->policy.label);
	}
	fputc(' ', out);
	bg_print_word(out, lasting->name);
	for (unsigned int i = 0; i < gate->policy.count; i++) {
		fputc(' ', out);
		bg_print_word(out, bg_rule_print(&gate->policy.rules[i], text));
	}
	fclose(out);
	free(lasting);
	return line;
}
