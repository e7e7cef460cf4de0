// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the shells' completions ask: the words of a command line come in, the last of them unfinished; what it may become goes
 * out, a line each, behind a tab what it is about. ":files", ":directories", ":users" and ":programs" the shell knows better. */
#include "cli/cli.h"

#include "cgroup/mount.h"
#include "gate/sweep.h"

#include <dirent.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
	struct cli *cli;
	const char *word; /* the unfinished one */
	const char *gate; /* the first argument, once it is there */
};

static void offer(const struct line *line, const char *candidate, const char *about)
{
	if (strncmp(candidate, line->word, strlen(line->word)) || strpbrk(candidate, "\t\n"))
		return;
	printf("%s%s%s\n", candidate, *about ? "\t" : "", about);
}

static void offer_choice(const struct line *line, const char *choices)
{
	char *words = bg_need(strdup(choices)), *rest = words;

	for (char *word; (word = strsep(&rest, "|"));)
		offer(line, word, "");
	free(words);
}

static void offer_commands(const struct line *line)
{
	for (const struct command *const *command = cli_commands; *command; command++)
		if ((*command)->summary)
			offer(line, (*command)->name, (*command)->summary);
}

static void offer_options(const struct line *line, const struct cli_option *options)
{
	char text[64];

	for (; options && options->name; options++) {
		snprintf(text, sizeof(text), "--%s", options->name);
		offer(line, text, options->help ? options->help : "");
	}
}

/* ---- gates, and what they hold; nothing where that cannot be read ---- */

static void offer_gate(const struct line *line, const struct bg_gate *gate)
{
	offer(line, gate->cgroup.name, gate->policy.label);
}

static void offer_rules(const struct line *line, const struct bg_gate *gate)
{
	char text[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < gate->policy.count; i++)
		offer(line, bg_rule_print(&gate->policy.rules[i], text), "");
}

static void offer_of_gates(const struct line *line,
			   void (*each)(const struct line *line, const struct bg_gate *gate))
{
	static struct bg_gate gate;
	struct bg_cgroup named;
	struct bg_store store;
	size_t count = 0;
	__u64 *ids = NULL;

	if (bg_sweep_open(line->cli->pin_dir, BG_STORE_READ, &store, NULL))
		return;
	if (!line->gate)
		bg_gate_ids(&store, &ids, &count, NULL);
	else if (cli_resolve_gate(line->gate, &named, NULL) == DONE && !bg_gate_read(&store, named.id, &gate, NULL))
		each(line, &gate);
	for (size_t i = 0; i < count; i++)
		if (!bg_gate_read(&store, ids[i], &gate, NULL))
			each(line, &gate);
	free(ids);
	bg_store_close(&store);
}

/* ---- cgroups ---- */

/* The cgroups of one level: of the directory that the word names up to its last slash, as the word names it. */
static void offer_level(const struct line *line, const char *mount)
{
	const char *slash = strrchr(line->word, '/');
	bool absolute = !strncmp(line->word, mount, strlen(mount)) && line->word[strlen(mount)] == '/';
	int length = slash ? (int)(slash + 1 - line->word) : 0;
	char path[PATH_MAX], name[PATH_MAX + 256];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s%s%.*s", absolute ? "" : mount, absolute ? "" : "/", length, line->word);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%.*s%s/", length ? length : 1, length ? line->word : "/",
				 entry->d_name);
			offer(line, name, "");
		}
	if (dir)
		closedir(dir);
}

/* Units have their cgroups in slices. */
static void offer_units(const struct line *line, const char *mount)
{
	static const char *const kinds[] = { ".service", ".scope", ".socket" };
	char *const roots[] = { (char *)mount, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOSTAT | FTS_NOCHDIR, NULL);
	char unit[NAME_MAX + 8];
	FTSENT *entry;

	while (tree && (entry = fts_read(tree))) {
		const char *dot = strrchr(entry->fts_name, '.');

		if (entry->fts_info != FTS_D || entry->fts_level == 0)
			continue;
		if (!dot || strcmp(dot, ".slice") != 0)
			fts_set(tree, entry, FTS_SKIP);
		snprintf(unit, sizeof(unit), "unit:%s", entry->fts_name);
		for (size_t i = 0; dot && i < sizeof(kinds) / sizeof(*kinds); i++)
			if (!strcmp(dot, kinds[i]))
				offer(line, unit, "");
	}
	if (tree)
		fts_close(tree);
}

static void offer_cgroups(const struct line *line)
{
	const char *mount;

	offer(line, "self", "this process's own");
	offer(line, "pid:", "that of a process");
	if (bg_cgroup_mount(&mount, NULL))
		return;
	if (!strncmp(line->word, "unit:", 5))
		offer_units(line, mount);
	else
		offer(line, "unit:", "that of a systemd unit");
	offer_level(line, mount);
}

static void offer_words(struct line *line, const char *name, enum cli_words words)
{
	if (cli_is_choice(name)) {
		offer_choice(line, name);
		return;
	}
	switch (words) {
	case CLI_CGROUP:
		offer_cgroups(line);
		line->gate = NULL;
		offer_of_gates(line, offer_gate);
		break;
	case CLI_GATE:
		line->gate = NULL;
		offer_of_gates(line, offer_gate);
		break;
	case CLI_RULE:
		if (line->gate)
			offer_of_gates(line, offer_rules);
		break;
	case CLI_COMMAND:
		offer_commands(line);
		break;
	case CLI_PROGRAM:
		puts(":programs");
		break;
	case CLI_USER:
		puts(":users");
		break;
	case CLI_FILE:
		puts(":files");
		break;
	case CLI_DIRECTORY:
		puts(":directories");
		break;
	case CLI_ANYTHING:
		break;
	}
}

/* ---- where in the command line the word stands ---- */

static const struct cli_option *find_option(const struct command *command, const char *word)
{
	const struct cli_option *const lists[] = { command->options, cli_common_options };

	for (size_t i = 0; i < 2; i++)
		for (const struct cli_option *option = lists[i]; option && option->name; option++)
			if ((!strncmp(word, "--", 2) && !strcmp(word + 2, option->name)) ||
			    (word[0] == '-' && word[1] == option->id && !word[2]))
				return option;
	return NULL;
}

static void offer_argument(struct line *line, const struct command *command, unsigned int index, bool behind_dashes)
{
	const struct cli_argument *argument = command->arguments;

	for (; argument && argument->name; argument++)
		if ((argument->words == CLI_PROGRAM) == behind_dashes && (index-- == 0 || argument->many))
			break;
	if (!argument || !argument->name)
		return;
	if (behind_dashes && index != UINT_MAX)
		puts(":files"); /* of the program, whose name is there */
	else
		offer_words(line, argument->name, argument->words);
}

static int complete(struct line *line, int count, char **words)
{
	static const struct command bindgate = { .name = "", .wraps = true };
	const struct command *command = &bindgate;
	const struct cli_option *option = NULL; /* whose value comes next */
	unsigned int index = 0;
	bool dashes = false;

	line->word = words[count - 1];
	for (int i = 0; i < count - 1; i++) {
		if (option) {
			option = NULL;
		} else if (!dashes && !strcmp(words[i], "--")) {
			dashes = true;
			index = 0;
		} else if (!dashes && words[i][0] == '-') {
			option = find_option(command, words[i]);
			option = option && option->value ? option : NULL;
			if (option && option->id == 'p')
				line->cli->pin_dir = words[i + 1];
		} else if (command == &bindgate) {
			command = cli_find_command(words[i]);
			if (!command)
				return DONE;
		} else if (index++ == 0) {
			line->gate = words[i];
		}
	}
	if (option)
		offer_words(line, option->value, option->words);
	else if (!dashes && line->word[0] == '-') {
		offer_options(line, command->options);
		offer_options(line, cli_common_options);
	} else if (command == &bindgate)
		offer_commands(line);
	else
		offer_argument(line, command, index, dashes);
	return DONE;
}

static int run_complete(struct cli *cli, int argc, char **argv)
{
	struct line line = { .cli = cli };

	if (argc > 1)
		complete(&line, argc - 1, argv + 1);
	return cli_finish_output(cli);
}

const struct command cmd_complete = {
	.name = "complete",
	.arguments = (const struct cli_argument[]){ { .name = "WORD", .many = true }, { 0 } },
	.wraps = true,
	.run = run_complete,
};
