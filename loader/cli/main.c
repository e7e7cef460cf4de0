// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "policy/parser.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many letters have to change to make `b` of `a`; both short. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[32], length = (unsigned int)strnlen(b, 30);

	for (unsigned int k = 0; k <= length; k++)
		row[k] = k;
	for (unsigned int i = 0; i < 30 && a[i]; i++) {
		unsigned int corner = row[0]++;

		for (unsigned int k = 0; k < length; k++) {
			unsigned int change = corner + (a[i] != b[k]),
				     least = row[k] < row[k + 1] ? row[k] : row[k + 1];

			corner = row[k + 1];
			row[k + 1] = change < least + 1 ? change : least + 1;
		}
	}
	return row[length];
}

static const char *nearest(const char *name)
{
	const char *best = NULL;
	unsigned int least = 3;

	for (const struct command *const *command = cli_commands; *command; command++) {
		unsigned int far = distance(name, (*command)->name);

		if ((*command)->summary && far < least) {
			least = far;
			best = (*command)->name;
		}
	}
	return best;
}

/* Other tools call it so. */
static const char *synonym(const char *name)
{
	static const char *const synonyms[][2] = {
		{ "allow", "attach" },  { "grant", "attach" },  { "open", "attach" },  { "deny", "attach" },
		{ "delete", "detach" }, { "close", "detach" },  { "stop", "detach" },  { "rm", "remove" },
		{ "ls", "list" },       { "show", "list" },     { "status", "list" },  { "check", "explain" },
		{ "why", "explain" },   { "monitor", "watch" }, { "record", "learn" }, { "exec", "run" },
	};

	for (size_t i = 0; i < sizeof(synonyms) / sizeof(*synonyms); i++)
		if (!strcmp(name, synonyms[i][0]))
			return synonyms[i][1];
	return NULL;
}

static int no_command(const struct cli *cli, const char *name)
{
	const char *meant = synonym(name);
	struct bg_rule rule;

	if (!meant)
		meant = nearest(name);
	if (!meant && !bg_rule_parse(name, &rule, NULL))
		return cli_usage_error(cli,
				       "%.64s is no command but a rule: did you mean bindgate attach CGROUP %.64s?",
				       name, name);
	return cli_usage_error(
		cli, meant ? "there is no command \"%.32s\"; did you mean %s?" : "there is no command \"%.32s\"",
		name, meant);
}

static int run_version_option(struct cli *cli)
{
	char *argv[] = { (char *)"version", NULL };

	optind = 0;
	return cmd_version.run(cli, 1, argv);
}

/* Options may stand before the command too. */
int main(int argc, char **argv)
{
	static const struct cli_option options[] = { { .name = "version", .id = 'V' }, { 0 } };
	static const struct command bindgate = { .name = "", .options = options, .wraps = true };
	struct cli cli = { .command = &bindgate, .pin_dir = bg_store_default_dir(), .own_mounts = -1 };
	char *bare[] = { (char *)"list", NULL };

	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write */
	if (cli_next_option(&cli, argc, argv) == 'V') {
		cli.command = &cmd_version;
		return run_version_option(&cli);
	}
	argc -= optind;
	argv += optind;
	if (argc == 0) {
		argc = 1;
		argv = bare;
	}
	cli.command = cli_find_command(argv[0]);
	if (!cli.command) {
		cli.command = &bindgate;
		cli.json |= cli_asks_for_json(argc - 1, argv + 1);
		return no_command(&cli, argv[0]);
	}
	optind = 0; /* glibc's getopt begins anew, and looks whether options come first, anew */
	cli_find_mounts(&cli);
	return cli.command->run(&cli, argc, argv);
}
