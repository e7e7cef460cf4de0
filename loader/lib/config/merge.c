// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/merge.h"

#include "config/listen.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *bg_config_folder(const char *file, char folder[static 4096])
{
	size_t length = strlen(file);

	if (length > 5 && !strcmp(file + length - 5, ".yaml"))
		length -= 5;
	snprintf(folder, 4096, "%.*s.d", (int)length, file);
	return folder;
}

static int merge_daemon(struct bg_config *config, const struct bg_declared_daemon *more, const char *file,
			struct bg_error *error)
{
	struct bg_declared_daemon *daemon = &config->daemon;

	if (!more)
		return 0;
#define TAKE(name, key)                                                                                            \
	do {                                                                                                       \
		if (more->key && daemon->key)                                                                      \
			return bg_error(error, -EINVAL, "%.256s: daemon." name " is declared in another file too", \
					file);                                                                     \
		if (more->key)                                                                                     \
			daemon->key = more->key;                                                                   \
	} while (0)
	TAKE("on_stop", detach_on_stop);
	TAKE("listen", listen);
	TAKE("log", log);
	TAKE("log_to", log_to);
	TAKE("log_rate", log_rate);
	TAKE("cri", cri);
	TAKE("nri", nri);
	TAKE("kubepods", kubepods);
#undef TAKE
	return 0;
}

static int add_file(struct bg_config *config, const char *file, struct bg_error *error)
{
	struct bg_declaration *declaration;
	struct bg_declared_gate **gates;
	struct bg_declared_pod **pods;
	int err = config->files_count == BG_CONFIG_FILES_MAX
			  ? bg_error(error, -E2BIG, "more than %d files of configuration", BG_CONFIG_FILES_MAX)
			  : bg_declare_read(file, &declaration, error);

	if (err)
		return err;
	config->files[config->files_count++] = declaration;
	gates = reallocarray(config->gates, config->gates_count + declaration->gates_count + 1, sizeof(*gates));
	config->gates = gates ? gates : config->gates;
	pods = reallocarray(config->pods, config->pods_count + declaration->pods_count + 1, sizeof(*pods));
	config->pods = pods ? pods : config->pods;
	if (!gates || !pods)
		return bg_error(error, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < declaration->gates_count; i++)
		config->gates[config->gates_count++] = &declaration->gates[i];
	for (unsigned int i = 0; i < declaration->pods_count; i++)
		config->pods[config->pods_count++] = &declaration->pods[i];
	return merge_daemon(config, declaration->daemon, file, error);
}

static int check(const struct bg_config *config, struct bg_error *error)
{
	const struct bg_declared_daemon *daemon = &config->daemon;
	struct bg_listen where;

	for (unsigned int i = 0; i < config->gates_count; i++)
		for (unsigned int k = 0; k < i; k++)
			if (!strcmp(config->gates[i]->cgroup, config->gates[k]->cgroup))
				return bg_error(error, -EINVAL, "the cgroup \"%.256s\" is declared in two files",
						config->gates[i]->cgroup);
	if (daemon->log_rate && *daemon->log_rate < 1)
		return bg_error(error, -EINVAL, "daemon.log_rate is a number from 1");
	return daemon->listen && strcmp(daemon->listen, "none") ? bg_listen_parse(daemon->listen, &where, error)
								: 0;
}

/* A file that cannot be looked at is not absent: the attempt to read it will say why. */
static bool is_absent(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

/* A folder that cannot be read must not count as empty: the gates that it declares would be ended. */
static int stop_at(const char *path, int err)
{
	(void)path;
	return err != ENOENT;
}

int bg_config_read(const char *file, bool needed, struct bg_config **out, struct bg_error *error)
{
	static unsigned int serial;
	struct bg_config *config = calloc(1, sizeof(*config));
	char folder[4096], pattern[4112];
	glob_t found = { 0 };
	int err = 0, globbed;

	*out = NULL;
	if (!config)
		return bg_error(error, -ENOMEM, "out of memory");
	snprintf(pattern, sizeof(pattern), "%s/*.yaml", bg_config_folder(file, folder));
	config->has_file = needed || !is_absent(file) || is_absent(folder);
	if (config->has_file)
		err = add_file(config, file, error);
	globbed = err ? 0 : glob(pattern, 0, stop_at, &found);
	if (globbed && globbed != GLOB_NOMATCH)
		err = bg_error(error, -EIO, "cannot read the folder %s", folder);
	for (size_t i = 0; !err && i < found.gl_pathc; i++)
		err = add_file(config, found.gl_pathv[i], error);
	globfree(&found);
	if (!err)
		err = check(config, error);
	if (err) {
		bg_config_free(config);
		return err;
	}
	config->serial = ++serial;
	*out = config;
	return 0;
}

void bg_config_free(struct bg_config *config)
{
	if (!config)
		return;
	for (unsigned int i = 0; i < config->files_count; i++)
		bg_declare_free(config->files[i]);
	free(config->gates);
	free(config->pods);
	free(config);
}
