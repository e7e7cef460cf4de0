// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/command.h"

#include "base/log.h"
#include "cli/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32

const struct command *const cli_commands[] = {
	&cmd_attach,   &cmd_add,     &cmd_remove,  &cmd_detach, &cmd_list,     &cmd_maps,
	&cmd_watch,    &cmd_explain, &cmd_learn,   &cmd_run,    &cmd_apply,    &cmd_export,
	&cmd_oci_hook, &cmd_probe,   &cmd_version, &cmd_help,   &cmd_complete, NULL,
};

const struct cli_option cli_common_options[] = {
	{ .name = "json", .help = "answer in JSON, errors too", .id = 'j' },
	{ .name = "verbose", .help = "say what the kernel and libbpf said", .id = 'v' },
	{ .name = "pin-dir", .value = "DIR", .help = "where the pins are", .id = 'p', .words = CLI_DIRECTORY },
	{ .name = "help", .help = "explain the command", .id = 'h' },
	{ 0 },
};

const struct command *cli_find_command(const char *name)
{
	for (const struct command *const *command = cli_commands; *command; command++)
		if (!strcmp((*command)->name, name))
			return *command;
	return NULL;
}

bool cli_is_choice(const char *value)
{
	return islower((unsigned char)*value);
}

void cli_print_usage(const struct command *command, FILE *out)
{
	bool own = false;

	fprintf(out, "bindgate %s", command->name);
	for (const struct cli_option *option = command->options; option && option->name; option++)
		own |= !option->instead;
	fputs(own ? " [OPTION...]" : "", out);
	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++)
		fprintf(out, argument->optional ? " [%s%s]" : " %s%s", argument->name, argument->many ? "..." : "");
	for (const struct cli_option *option = command->options; option && option->name; option++)
		if (option->instead)
			fprintf(out, " | --%s", option->name);
	putc('\n', out);
}

/* "-p, --pin-dir DIR" */
static int option_words(const struct cli_option *option, char text[static 96])
{
	char letter[] = { '-', (char)option->id, ',', ' ', '\0' };

	return snprintf(text, 96, "%s--%s%s%s", option->id < 256 ? letter : "", option->name,
			option->value ? " " : "", option->value ? option->value : "");
}

void cli_print_options(const struct cli_option *options, FILE *out)
{
	char words[96];
	int width = 0;

	for (const struct cli_option *option = options; option->name; option++)
		width = option_words(option, words) > width ? option_words(option, words) : width;
	for (const struct cli_option *option = options; option->name; option++) {
		option_words(option, words);
		fprintf(out, "  %-*s   %s\n", width, words, option->help);
	}
}

/* As getopt takes them; the last one stays empty. */
static void add_options(const struct cli_option *options, struct option table[static OPTIONS_MAX],
			char letters[static 2 * OPTIONS_MAX])
{
	size_t count = 0, end = strlen(letters);

	while (table[count].name)
		count++;
	for (; options && options->name && count < OPTIONS_MAX - 1; options++) {
		table[count++] = (struct option){ .name = options->name,
						  .has_arg = options->value ? required_argument : no_argument,
						  .val = options->id };
		if (options->id >= 256)
			continue;
		letters[end++] = (char)options->id;
		if (options->value)
			letters[end++] = ':';
	}
}

static void print_log(const char *line)
{
	fprintf(stderr, "bindgate: %s\n", bg_escape(line));
}

bool cli_asks_for_json(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"))
			return true;
	return false;
}

int cli_next_option(struct cli *cli, int argc, char **argv)
{
	struct option table[OPTIONS_MAX] = { { 0 } };
	char letters[2 * OPTIONS_MAX] = "+";

	add_options(cli->command->options, table, letters);
	add_options(cli_common_options, table, letters);
	for (;;) {
		int option;

		opterr = 0;
		option = getopt_long(argc, argv, letters + !cli->command->wraps, table, NULL);
		switch (option) {
		case 'h':
			exit(cli_print_help(cli, *cli->command->name ? cli->command : NULL));
		case 'j':
			cli->json = true;
			break;
		case 'p':
			cli->pin_dir = optarg;
			break;
		case 'v':
			bg_log_to(print_log);
			break;
		case '?':
			cli->json |= cli_asks_for_json(argc - optind, argv + optind);
			if (optopt > 0 && optopt < 256 && strncmp(argv[optind - 1], "--", 2))
				exit(cli_usage_error(cli, "-%c is not an option here, or its value is missing",
						     optopt));
			exit(cli_usage_error(cli, "%.64s is not an option here, or its value is missing",
					     argv[optind - 1]));
		default:
			return option;
		}
	}
}

void cli_end_options(struct cli *cli, int argc, char **argv)
{
	cli_next_option(cli, argc, argv);
}
