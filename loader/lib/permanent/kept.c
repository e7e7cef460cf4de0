// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "permanent/kept.h"

#include "config/declared.h"
#include "config/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char head[] =
	"# Written by bindgate attach --permanent, for bindgated. Change it with attach, add, remove or\n"
	"# detach --permanent: what else is written here is not kept.\n";

/* *out NULL: there is no such file. */
static int read_file(struct bg_declaration **out, struct bg_error *error)
{
	int err;

	*out = NULL;
	if (access(BG_KEPT_FILE, F_OK) && errno == ENOENT)
		return 0;
	err = bg_declare_read(BG_KEPT_FILE, out, error);
	if (!err && ((*out)->pods_count || (*out)->daemon)) {
		bg_declare_free(*out);
		err = bg_error(error, -EBADMSG,
			       BG_KEPT_FILE " is bindgate's own: move its pods and daemon into another file there");
	}
	return err;
}

int bg_kept_each(int (*each)(const char *cgroup, const struct bg_policy *policy, void *arg), void *arg,
		 struct bg_error *error)
{
	struct bg_policy *policy = malloc(sizeof(*policy));
	struct bg_declaration *file = NULL;
	int err = policy ? read_file(&file, error) : bg_error(error, -ENOMEM, "out of memory");

	for (unsigned int i = 0; !err && file && i < file->gates_count; i++) {
		err = bg_declare_policy(&file->gates[i].policy, "cli", policy, error);
		if (!err)
			err = each(file->gates[i].cgroup, policy, arg);
	}
	if (file)
		bg_declare_free(file);
	free(policy);
	return err;
}

static struct bg_declared_gate *find(const struct bg_declaration *file, const char *cgroup)
{
	for (unsigned int i = 0; file && i < file->gates_count; i++)
		if (!strcmp(file->gates[i].cgroup, cgroup))
			return &file->gates[i];
	return NULL;
}

/* bindgated takes none of its files where two of them declare a cgroup. */
static int check_others(const char *cgroup, struct bg_error *error)
{
	char folder[4096];
	struct bg_config *config;
	struct bg_error why;
	int err = 0;

	if (access(BG_KEPT_CONFIG, F_OK) && access(bg_config_folder(BG_KEPT_CONFIG, folder), F_OK))
		return 0;
	if (bg_config_read(BG_KEPT_CONFIG, false, &config, &why))
		return bg_error(error, -EBADMSG, "bindgated would not take its files as they are: %.900s", why.text);
	for (unsigned int i = 0; i < config->gates_count; i++)
		if (!strcmp(config->gates[i]->cgroup, cgroup))
			err = bg_error(error, -EEXIST,
				       "%.300s is declared in a file below /etc/bindgate: change it there", cgroup);
	bg_config_free(config);
	return err;
}

/* The file's text with that gate; NULL: out of memory. *has_gates: some are left. */
static char *print(const struct bg_declaration *file, const struct bg_declared_gate *old,
		   const struct bg_declared_gate *gate, bool *has_gates)
{
	struct bg_declaration all = { 0 };
	unsigned int count = file ? file->gates_count : 0;
	char *yaml, *text = NULL;

	all.gates = calloc(count + 1, sizeof(*all.gates));
	if (!all.gates)
		return NULL;
	for (unsigned int i = 0; i < count; i++)
		if (&file->gates[i] != old)
			all.gates[all.gates_count++] = file->gates[i];
	if (gate)
		all.gates[all.gates_count++] = *gate;
	*has_gates = all.gates_count;
	yaml = bg_declare_print(&all);
	if (yaml && asprintf(&text, "%s%s", head, yaml) < 0)
		text = NULL;
	free(yaml);
	free(all.gates);
	return text;
}

int bg_kept_set(const char *cgroup, const struct bg_policy *policy, struct bg_replaced *undo, struct bg_error *error)
{
	struct bg_declared_gate gate = { 0 }, *old;
	struct bg_declaration *file;
	bool has_gates = false;
	char *text = NULL;
	int err = read_file(&file, error);

	if (err)
		return err;
	old = find(file, cgroup);
	if (policy && !old)
		err = check_others(cgroup, error);
	if (!err && policy && bg_declared_gate(cgroup, policy, &gate))
		err = bg_error(error, -ENOMEM, "out of memory");
	if (!err && (policy || old)) {
		text = print(file, old, policy ? &gate : NULL, &has_gates);
		err = text ? bg_replace(BG_KEPT_FILE, has_gates ? text : NULL, undo, error)
			   : bg_error(error, -ENOMEM, "out of memory");
	}
	free(text);
	bg_declared_gate_free(&gate);
	if (file)
		bg_declare_free(file);
	return err;
}
