// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli.h"
#include "config.h"
#include "grant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_MAX (1 << 20) /* bytes */
#define CONFIG_FILE "/etc/bindgate/bindgate.yaml"
#define NAMESPACE "io.kubernetes.pod.namespace"

enum {
	OPTION_CONFIG = 257,
	OPTION_REQUIRED,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "required", no_argument, NULL, OPTION_REQUIRED },
	COMMON_OPTIONS,
};

/* The container's state, as the runtime gives it on standard input. NULL: it is none. */
static json_t *read_state(struct bg_error *error)
{
	char *text = need(malloc(STATE_MAX));
	size_t size = fread(text, 1, STATE_MAX, stdin);
	json_error_t why;
	json_t *state = NULL;

	if (!text || ferror(stdin))
		bg_error(error, -errno, "cannot read the state on standard input: %s", strerror(errno));
	else if (size == STATE_MAX)
		bg_error(error, -EFBIG, "the state on standard input is larger than 1 MiB");
	else if (!(state = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why)))
		bg_error(error, -EINVAL, "the state on standard input is not JSON: %.160s", why.text);
	free(text);
	return state;
}

static const struct bg_declared_pod *find_grant(const struct bg_config *config, const json_t *annotations)
{
	const char *namespace = json_string_value(json_object_get(annotations, NAMESPACE)), *key;
	struct bg_label *labels = need(calloc(json_object_size(annotations) + 1, sizeof(*labels)));
	const struct bg_declared_pod *grant = NULL;
	json_t *value;
	size_t count = 0;

	json_object_foreach((json_t *)annotations, key, value) if (json_is_string(value)) labels[count++] =
		(struct bg_label){ .key = key, .value = json_string_value(value) };
	for (unsigned int i = 0; i < config->pods_count && !grant; i++)
		if (bg_grant_matches(config->pods[i], namespace ? namespace : "", labels, count))
			grant = config->pods[i];
	free(labels);
	return grant;
}

/* Gates the container's cgroup as its grant says; no grant and no request is nothing to do. */
static int gate(const struct cli *cli, const json_t *state, const struct bg_config *config, struct bg_error *error)
{
	const json_t *annotations = json_object_get(state, "annotations");
	const char *request = json_string_value(json_object_get(annotations, BG_GRANT_ANNOTATION));
	const struct bg_declared_pod *grant = find_grant(config, annotations);
	json_int_t pid = json_integer_value(json_object_get(state, "pid"));
	struct bg_cgroup cgroup;
	struct bg_policy policy;
	struct bg_store store;
	char name[32];
	int err;

	if (!grant)
		return request ? bg_error(error, -EACCES, "it asks for %.128s, but no grant speaks of it",
					  bg_clean(request))
			       : 0;
	if (pid < 1 || pid > 4194304)
		return bg_error(error, -EINVAL,
				"the state names no process: call this hook at createRuntime or prestart");
	err = bg_grant_policy(grant, "oci-hook", request, &policy, error);
	if (err)
		return err;
	snprintf(name, sizeof(name), "pid:%d", (int)pid);
	err = bg_cgroup_find(name, &cgroup, error);
	if (!err)
		err = bg_store_open(cli->pin_dir, BG_STORE_KEEP, &store, error);
	if (err)
		return err;
	err = bg_gate_attach(&store, &cgroup, &policy, 0, error);
	bg_store_close(&store);
	return err < 0 ? err : 0;
}

int run_oci_hook(struct cli *cli, int argc, char **argv)
{
	const char *file = CONFIG_FILE;
	struct bg_error error = { "" };
	struct bg_config *config;
	bool required = false;
	json_t *state;
	int option, err = -EINVAL;

	while ((option = next_option(cli, argc, argv, options)) != -1) {
		if (option == OPTION_CONFIG)
			file = optarg;
		required |= option == OPTION_REQUIRED;
	}
	if (optind < argc)
		return usage(cli, "the hook takes no arguments: the container's state comes on standard input");
	state = read_state(&error);
	config = state ? bg_config_read(file, &error) : NULL;
	if (config)
		err = gate(cli, state, config, &error);
	if (err) /* runtimes show what a hook says when it fails; where it does not, this is in their log */
		fprintf(stderr, "bindgate oci-hook: container %.64s: %s\n",
			bg_clean(state && json_string_value(json_object_get(state, "id"))
					 ? json_string_value(json_object_get(state, "id"))
					 : "?"),
			bg_clean(error.text));
	bg_config_free(config);
	json_decref(state);
	return err && required ? FAILED : DONE;
}
