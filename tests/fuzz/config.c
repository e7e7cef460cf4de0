// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A configuration of two files, any bytes, parted by a line "---8<---": sound and the sum of both, or a line that says
 * which is not. */
#include "config/merge.h"

#include "fuzz.h"
#include "config/listen.h"

#include <sys/stat.h>

static char file[4096], folder[4096], second[4200];

static void name_files(void)
{
	const char *under = getenv("TMPDIR");

	snprintf(file, sizeof(file), "%s/bindgate-fuzz-%d.yaml", under ? under : "/tmp", getpid());
	bg_config_folder(file, folder);
	snprintf(second, sizeof(second), "%s/more.yaml", folder);
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *out = fopen(path, "we");

	HOLDS(out && fwrite(data, 1, size, out) == size && !fclose(out));
}

/* Sound alone? Then it is counted. */
static bool add(const uint8_t *data, size_t size, unsigned int *gates, unsigned int *pods)
{
	struct bg_declaration *declaration;
	struct bg_error error;

	if (bg_declare_parse("file", (const char *)data, size, &declaration, &error))
		return false;
	*gates += declaration->gates_count;
	*pods += declaration->pods_count;
	bg_declare_free(declaration);
	return true;
}

static void check(const struct bg_config *config)
{
	const struct bg_declared_daemon *daemon = &config->daemon;
	struct bg_listen where;

	HOLDS(!daemon->log_rate || *daemon->log_rate >= 1);
	HOLDS(!daemon->log || (*daemon->log >= BG_LOG_NONE && *daemon->log <= BG_LOG_ALL));
	HOLDS(!daemon->listen || !strcmp(daemon->listen, "none") || !bg_listen_parse(daemon->listen, &where, NULL));
	for (unsigned int i = 0; i < config->gates_count; i++)
		for (unsigned int k = 0; k < i; k++)
			HOLDS(strcmp(config->gates[i]->cgroup, config->gates[k]->cgroup));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char scissors[] = "\n---8<---\n";
	const uint8_t *cut = size ? memmem(data, size, scissors, sizeof(scissors) - 1) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size, rest = cut ? size - first - sizeof(scissors) + 1 : 0;
	struct bg_error error = { "" };
	unsigned int gates = 0, pods = 0;
	struct bg_config *config;
	bool sound;
	int err;

	name_files();
	write_file(file, data, first);
	if (cut) {
		HOLDS(!mkdir(folder, 0700));
		write_file(second, cut + sizeof(scissors) - 1, rest);
	}
	sound = add(data, first, &gates, &pods) && (!cut || add(cut + sizeof(scissors) - 1, rest, &gates, &pods));
	err = bg_config_read(file, false, &config, &error);
	HOLDS(err ? err < 0 && !config && *error.text : config && !*error.text);
	HOLDS(!config || (sound && config->gates_count == gates && config->pods_count == pods));
	if (config)
		check(config);
	bg_config_free(config);
	unlink(second);
	rmdir(folder);
	unlink(file);
	return 0;
}
