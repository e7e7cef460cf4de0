// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_ALL 257

static const struct option options[] = {
	{ "all", no_argument, NULL, OPTION_ALL },
	COMMON_OPTIONS,
};

static int detach(struct cli *cli, struct bg_store *store, const struct bg_cgroup *cgroup, json_t *done)
{
	struct bg_error error = { "" };
	int err = bg_gate_detach(store, cgroup->id, &error);

	if (err == -ENOENT)
		return not_a_gate(cli, cgroup);
	if (err)
		return fail(cli, err, &error);
	json_array_append_new(done, bg_json_text(cgroup->name));
	if (!cli->json)
		printf("detached %s\n", bg_clean(cgroup->name));
	return DONE;
}

static int detach_all(struct cli *cli, struct bg_store *store, json_t *done)
{
	struct bg_error error = { "" };
	size_t count = 0;
	__u64 *ids = NULL;
	int status = DONE, err = bg_gate_ids(store, &ids, &count, &error);

	if (err)
		return fail(cli, err, &error);
	for (size_t i = 0; i < count; i++) {
		struct bg_cgroup cgroup = { .id = ids[i] };
		int one;

		if (bg_cgroup_from_id(ids[i], &cgroup, NULL)) {
			cgroup.id = ids[i];
			snprintf(cgroup.name, sizeof(cgroup.name), "id:%llu", ids[i]);
		}
		one = detach(cli, store, &cgroup, done);
		status = one == DONE ? status : one;
	}
	free(ids);
	if (!count && !cli->json)
		printf("There were no gates.\n");
	if (status != DONE)
		return status;
	err = bg_store_remove(store, &error);
	return err ? fail(cli, err, &error) : DONE;
}

static int detach_named(struct cli *cli, struct bg_store *store, char **names, json_t *done)
{
	struct bg_cgroup cgroup;
	int status = DONE;

	for (; *names; names++) {
		int one = find_gate(cli, *names, &cgroup);

		one = one == DONE ? detach(cli, store, &cgroup, done) : one;

		status = status == DONE ? one : status;
	}
	return status;
}

int run_detach(struct cli *cli, int argc, char **argv)
{
	struct bg_error error = { "" };
	struct bg_store store;
	json_t *done = json_array();
	bool all = false;
	int err, status;

	while (next_option(cli, argc, argv, options) != -1)
		all = true;
	if (all == (optind < argc))
		return usage(cli, all ? "--all and a cgroup do not go together" : "a cgroup is missing, or --all");
	err = bg_store_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (err)
		return fail(cli, err, &error);
	status = all ? detach_all(cli, &store, done) : detach_named(cli, &store, argv + optind, done);
	bg_store_close(&store);
	if (cli->json && status == DONE)
		print_json(json_pack("{s:o}", "detached", done));
	else
		json_decref(done);
	return status == DONE ? finish(cli) : status;
}
