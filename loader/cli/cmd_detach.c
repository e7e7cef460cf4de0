// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cli/lasting.h"
#include "cli/permanent.h"
#include "gate/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_ALL 257

/* Everything that is named is tried; with --json, what failed is kept for the one answer. */
struct work {
	struct cli *cli;
	struct bg_store *store;
	json_t *done;
	json_t *errors;
	json_t *forgotten; /* the permanent gates that are none any more */
	bool permanent;
	int status; /* of the first that failed */
};

static void note_error(struct work *work, const char *name, int status, const struct bg_error *error)
{
	work->status = work->status == DONE ? status : work->status;
	if (work->cli->json)
		json_array_append_new(work->errors, json_pack("{s:o,s:o,s:i}", "cgroup", bg_json_text(name),
							      "message", bg_json_text(error->text), "code", status));
	else
		cli_print_error_as(work->cli, status, error);
}

static void detach(struct work *work, const struct bg_cgroup *cgroup)
{
	struct bg_error error = { "" };
	int err = bg_gate_detach(work->store, cgroup->id, &error);

	if (err == -ENOENT)
		bg_error(&error, err, "%.512s is not a gate: bindgate attach makes it one", cgroup->name);
	if (err)
		note_error(work, cgroup->name, err == -ENOENT ? NO_GATE : FAILED, &error);
	else
		json_array_append_new(work->done, bg_json_text(cgroup->name));
}

static void note_permanent(const char *name, int status, const struct bg_error *error, void *arg)
{
	note_error(arg, name, status, error);
}

/* What a gate that is ended by hand comes back by is told. */
static void warn_of_permanent(struct work *work, const struct bg_cgroup *cgroup)
{
	struct bg_gate *gate = bg_need(calloc(1, sizeof(*gate)));
	struct cli_lasting *lasting = bg_need(calloc(1, sizeof(*lasting)));

	if (!bg_gate_read(work->store, cgroup->id, gate, NULL))
		cli_look_lasting(gate, lasting);
	if (lasting->permanent && *lasting->name)
		cli_print_warning(work->cli,
				  "%.300s is permanent and comes back: bindgate detach --permanent %.300s ends it",
				  cgroup->name, lasting->name);
	else if (lasting->permanent)
		cli_print_warning(work->cli, "%.300s comes back: bindgated keeps it, as its files declare",
				  cgroup->name);
	free(lasting);
	free(gate);
}

static int detach_live(const char *name, void *arg)
{
	struct work *work = arg;
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;

	if (bg_cgroup_find(name, &cgroup, NULL))
		return 0;
	if (!bg_gate_detach(work->store, cgroup.id, &error))
		json_array_append_new(work->done, bg_json_text(cgroup.name));
	return 0;
}

/* First what is declared, so that nothing makes the gate again. */
static void detach_permanent(struct work *work, const char *text)
{
	char name[BG_PERMANENT_NAME_MAX];
	struct bg_error error = { "" };

	if (bg_permanent_name(text, name, &error) ||
	    (cli_forget_permanent(name, work->forgotten, note_permanent, work) == DONE &&
	     bg_permanent_each_cgroup(name, detach_live, work, &error)))
		note_error(work, text, FAILED, &error);
}

static void detach_all(struct work *work)
{
	struct bg_error error = { "" }, left;
	size_t count = 0;
	__u64 *ids = NULL;

	if (bg_gate_ids(work->store, &ids, &count, &error))
		note_error(work, "", FAILED, &error);
	for (size_t i = 0; i < count; i++) {
		struct bg_cgroup cgroup;

		if (bg_cgroup_from_id(ids[i], &cgroup, NULL)) {
			cgroup = (struct bg_cgroup){ .id = ids[i] };
			snprintf(cgroup.name, sizeof(cgroup.name), "id:%llu", ids[i]);
		}
		detach(work, &cgroup);
	}
	free(ids);
	if (work->status == DONE && bg_store_remove(work->store, &left)) {
		bg_error(&error, -EIO, "no gate is left, but %.900s", left.text);
		note_error(work, "", FAILED, &error);
	}
}

static void detach_named(struct work *work, char **names)
{
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;

	for (; *names; names++) {
		int status = work->permanent ? DONE : cli_resolve_gate(*names, &cgroup, &error);

		if (status == NO_GATE && !strcmp(*names, "all"))
			bg_error(&error, -ENOENT, "no such cgroup: all: did you mean --all?");
		if (work->permanent)
			detach_permanent(work, *names);
		else if (status == DONE) {
			warn_of_permanent(work, &cgroup);
			detach(work, &cgroup);
		} else
			note_error(work, *names, status, &error);
	}
}

static void print_work(const struct work *work, bool all)
{
	const json_t *name;
	size_t i;

	if (work->cli->json) {
		cli_print_json(json_pack("{s:O,s:O,s:O,s:o}", "detached", work->done, "forgotten", work->forgotten,
					 "errors", work->errors, "warnings", cli_warnings()));
		return;
	}
	if (all && !json_array_size(work->done) && !json_array_size(work->forgotten) && work->status == DONE)
		printf("There were no gates.\n");
	json_array_foreach(work->done, i, name) printf("detached %s\n", json_string_value(name));
	json_array_foreach(work->forgotten, i, name)
		printf("%s is not permanent any more\n", bg_escape(json_string_value(name)));
}

static int run_detach(struct cli *cli, int argc, char **argv)
{
	struct work work = { .cli = cli };
	struct bg_error error = { "" };
	struct bg_store store;
	bool all = false;
	int err, option;

	while ((option = cli_next_option(cli, argc, argv)) != -1) {
		all |= option == OPTION_ALL;
		work.permanent |= option == OPTION_PERMANENT;
	}
	if (all == (optind < argc))
		return cli_usage_error(cli, all ? "--all and a cgroup do not go together"
						: "a cgroup is missing, or --all");
	err = bg_sweep_open(cli->pin_dir, BG_STORE_EDIT, &store, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	work.store = &store;
	work.done = json_array();
	work.errors = json_array();
	work.forgotten = json_array();
	if (all && work.permanent)
		cli_forget_permanent(NULL, work.forgotten, note_permanent, &work);
	if (all)
		detach_all(&work);
	else
		detach_named(&work, argv + optind);
	bg_store_close(&store);
	print_work(&work, all);
	json_decref(work.done);
	json_decref(work.errors);
	json_decref(work.forgotten);
	return work.status == DONE ? cli_finish_output(cli) : work.status;
}

static const struct cli_option options[] = {
	{ .name = "all", .help = "every gate, and bindgate's programs with them", .id = OPTION_ALL, .instead = true },
	PERMANENT_OPTION("for good: what would make them again goes too"),
	{ 0 },
};

const struct command cmd_detach = {
	.name = "detach",
	.summary = "end gates: their next bind is ungated",
	.notes = "  bindgate detach /app\n"
		 "  bindgate detach id:1234\n",
	.options = options,
	.arguments = (const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_GATE, .many = true }, { 0 } },
	.run = run_detach,
};
