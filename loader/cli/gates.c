// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What several commands do with gates: find and read them. */
#include "cli/cli.h"
#include "gate/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_resolve_gate(const char *name, struct bg_cgroup *out, struct bg_error *error)
{
	struct bg_cgroup cgroup = { 0 };
	char *end;
	int err;

	if (strncmp(name, "id:", 3)) {
		err = bg_cgroup_find(name, out, error);
		return err == -ENOENT ? NO_GATE : err ? FAILED : DONE;
	}
	errno = 0;
	cgroup.id = strtoull(name + 3, &end, 10);
	if (errno || name[3] < '1' || name[3] > '9' || *end) {
		bg_error(error, -EINVAL, "\"%.32s\" is not a cgroup's id: id:N, with the number that list -j shows",
			 name);
		return USAGE;
	}
	snprintf(cgroup.name, sizeof(cgroup.name), "%s", name);
	*out = cgroup;
	return DONE;
}

int cli_find_gate(const struct cli *cli, const char *name, struct bg_cgroup *out)
{
	struct bg_error error = { "" };
	int status = cli_resolve_gate(name, out, &error);

	if (status != DONE)
		cli_print_error_as(cli, status, &error);
	return status;
}

int cli_print_no_gate(const struct cli *cli, const struct bg_cgroup *cgroup)
{
	struct bg_error error;

	bg_error(&error, -ENOENT, "%.512s is not a gate: bindgate attach makes it one", cgroup->name);
	return cli_print_error_as(cli, NO_GATE, &error);
}

static int read_all(struct cli *cli, struct bg_store *store, FILE *out, cli_gate_fn each, void *arg)
{
	static struct bg_gate gate;
	struct bg_error error = { "" };
	size_t count = 0;
	int status = DONE, err;
	__u64 *ids = NULL;

	err = bg_gate_ids(store, &ids, &count, &error);
	if (err)
		status = cli_print_error(cli, err, &error);
	for (size_t i = 0; i < count && status == DONE; i++) {
		err = bg_gate_read(store, ids[i], &gate, &error);
		if (!err)
			status = each(&gate, out, arg);
		else if (err != -ENOENT && err != -ESTALE) /* gone meanwhile */
			status = cli_print_error(cli, err, &error);
	}
	free(ids);
	return status;
}

static int each_locked(struct cli *cli, const char *name, FILE *out, cli_gate_fn each, void *arg)
{
	static struct bg_gate gate;
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	struct bg_store store;
	int status, err = bg_sweep_open(cli->pin_dir, BG_STORE_READ, &store, &error);

	if (err)
		return cli_print_error(cli, err, &error);
	if (!name) {
		status = read_all(cli, &store, out, each, arg);
		bg_store_close(&store);
		return status;
	}
	status = cli_find_gate(cli, name, &cgroup);
	err = status == DONE ? bg_gate_read(&store, cgroup.id, &gate, &error) : 0;
	if (err == -ENOENT)
		status = cli_print_no_gate(cli, &cgroup);
	else if (err)
		status = cli_print_error(cli, err, &error);
	else if (status == DONE)
		status = each(&gate, out, arg);
	bg_store_close(&store);
	return status;
}

int cli_each_gate(struct cli *cli, const char *name, cli_gate_fn each, void *arg)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = bg_need(open_memstream(&text, &size));
	int status = each_locked(cli, name, out, each, arg);

	if (fclose(out))
		bg_need(NULL);
	fwrite(text, 1, size, stdout);
	free(text);
	return status;
}
