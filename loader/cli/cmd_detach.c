// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
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
		int status = cli_resolve_gate(*names, &cgroup, &error);

		if (status == DONE)
			detach(work, &cgroup);
		else
			note_error(work, *names, status, &error);
	}
}

static int run_detach(struct cli *cli, int argc, char **argv)
{
	struct work work = { .cli = cli };
	struct bg_error error = { "" };
	struct bg_store store;
	bool all = false;
	const json_t *name;
	size_t i;
	int err;

	while (cli_next_option(cli, argc, argv) != -1)
		all = true;
	if (all == (optind < argc))
		return cli_usage_error(cli, all ? "--all and a cgroup do not go together"
						: "a cgroup is missing, or --all");
	err = bg_sweep_open(cli->pin_dir, BG_STORE_EDIT, &store, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	work.store = &store;
	work.done = json_array();
	work.errors = json_array();
	if (all)
		detach_all(&work);
	else
		detach_named(&work, argv + optind);
	bg_store_close(&store);
	if (cli->json)
		cli_print_json(json_pack("{s:O,s:O}", "detached", work.done, "errors", work.errors));
	else if (all && !json_array_size(work.done) && work.status == DONE)
		printf("There were no gates.\n");
	else
		json_array_foreach(work.done, i, name) printf("detached %s\n", json_string_value(name));
	json_decref(work.done);
	json_decref(work.errors);
	return work.status == DONE ? cli_finish_output(cli) : work.status;
}

static const struct cli_option options[] = {
	{ .name = "all", .help = "every gate, and bindgate's programs with them", .id = OPTION_ALL, .instead = true },
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
