// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "config/merge.h"
#include "config/oci_state.h"
#include "explain/process.h"
#include "gate/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MAX (1 << 20) /* bytes */
#define CONFIG_FILE "/etc/bindgate/bindgate.yaml"

enum {
	OPTION_CONFIG = 257,
	OPTION_REQUIRED,
};

static int read_state(struct bg_oci_state *out, struct bg_error *error)
{
	char *text = bg_need(malloc(STATE_MAX));
	size_t size = fread(text, 1, STATE_MAX, stdin);
	int err;

	if (ferror(stdin))
		err = bg_error(error, -errno, "cannot read the state on standard input: %s", strerror(errno));
	else if (size == STATE_MAX)
		err = bg_error(error, -EFBIG, "the state on standard input is larger than 1 MiB");
	else
		err = bg_oci_state_parse(text, size, out, error);
	free(text);
	return err;
}

static const struct bg_declared_pod *find_grant(const struct bg_config *config, const struct bg_oci_state *state)
{
	for (unsigned int i = 0; i < config->pods_count; i++)
		if (bg_grant_matches(config->pods[i], state->namespace, state->annotations,
				     state->annotations_count))
			return config->pods[i];
	return NULL;
}

static bool is_within(const struct bg_cgroup *inner, const struct bg_cgroup *outer)
{
	size_t length = strcmp(outer->name, "/") ? strlen(outer->name) : 0;

	return !strncmp(inner->name, outer->name, length) && (inner->name[length] == '/' || !inner->name[length]);
}

/* The container's own cgroup. Where the runtime made none, its process is in one that others are in too. */
static int find_cgroup(const struct bg_oci_state *state, struct bg_cgroup *out, struct bg_error *error)
{
	struct bg_cgroup own;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "pid:%d", state->pid);
	err = bg_cgroup_find(name, out, error);
	if (!err)
		err = bg_cgroup_find("self", &own, error);
	if (!err && is_within(&own, out))
		err = bg_error(
			error, -EPERM,
			"its process is in %.512s, as this hook itself is: a container is gated only in a cgroup of "
			"its own (--cgroups=disabled makes none)",
			out->name);
	return err;
}

/* A policy for the machine's own network namespace says nothing in a container that has another. */
static int check_netns(const struct bg_oci_state *state, const struct bg_policy *policy, struct bg_error *error)
{
	struct bg_process process;
	int err = policy->netns == BG_NETNS_HOST ? bg_process_read(state->pid, &process, error) : 0;

	if (err || policy->netns != BG_NETNS_HOST || !process.foreign_netns)
		return err;
	return bg_error(error, -EACCES,
			"its grant counts in the machine's own network namespace alone, and it has another: put "
			"netns: any into the grant");
}

/* Gates the container's cgroup as its grant says; no grant and no request is nothing to do. */
static int gate(const struct cli *cli, const struct bg_oci_state *state, const struct bg_config *config,
		struct bg_error *error)
{
	const struct bg_declared_pod *grant = find_grant(config, state);
	struct bg_cgroup cgroup;
	struct bg_policy policy;
	struct bg_store store;
	int err;

	if (!grant)
		return state->request ? bg_error(error, -EACCES, "it asks for %.128s, but no grant speaks of it",
						 bg_escape(state->request))
				      : 0;
	if (!state->pid)
		return bg_error(error, -EINVAL,
				"the state names no process: call this hook at createRuntime or prestart");
	err = bg_grant_policy(grant, "oci-hook", state->request, &policy, error);
	if (!err)
		err = check_netns(state, &policy, error);
	if (!err)
		err = find_cgroup(state, &cgroup, error);
	if (!err)
		err = bg_sweep_open(cli->pin_dir, BG_STORE_KEEP, &store, error);
	if (err)
		return err;
	err = bg_gate_attach(&store, &cgroup, &policy, 0, error);
	bg_store_close(&store);
	return err < 0 ? err : 0;
}

static int run_oci_hook(struct cli *cli, int argc, char **argv)
{
	struct bg_oci_state state = { .id = "?" };
	const char *file = CONFIG_FILE;
	struct bg_error error = { "" };
	struct bg_config *config = NULL;
	bool required = false;
	char what[1200];
	int option, err;

	while ((option = cli_next_option(cli, argc, argv)) != -1) {
		if (option == OPTION_CONFIG)
			file = optarg;
		required |= option == OPTION_REQUIRED;
	}
	if (optind < argc)
		return cli_usage_error(
			cli, "the hook takes no arguments: the container's state comes on standard input");
	err = read_state(&state, &error);
	if (!err)
		err = bg_config_read(file, strcmp(file, CONFIG_FILE) != 0, &config, &error);
	if (!err)
		err = gate(cli, &state, config, &error);
	if (err) { /* runtimes show what a hook says when it fails; where it does not, this is in their log */
		snprintf(what, sizeof(what), "container %.64s: %s", state.id, error.text);
		fprintf(stderr, "bindgate oci-hook: %s\n", bg_escape(what));
	}
	bg_config_free(config);
	bg_oci_state_free(&state);
	return err && required ? FAILED : DONE;
}

static const struct cli_option options[] = {
	{ .name = "config",
	  .value = "FILE",
	  .help = "the grants: pods: of this file (" CONFIG_FILE ") and its folder",
	  .id = OPTION_CONFIG,
	  .words = CLI_FILE },
	{ .name = "required",
	  .help = "a container that cannot be gated as it asks is not started",
	  .id = OPTION_REQUIRED },
	{ 0 },
};

const struct command cmd_oci_hook = {
	.name = "oci-hook",
	.summary = "gate a container that is being made (podman, CRI-O)",
	.notes = "The container's state comes on standard input, as at createRuntime or prestart.\n",
	.options = options,
	.run = run_oci_hook,
};
