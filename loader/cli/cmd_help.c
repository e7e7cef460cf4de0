// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>

static json_t *options_json(const struct cli_option *options)
{
	json_t *json = json_array();

	for (; options && options->name; options++)
		json_array_append_new(json, json_pack("{s:s,s:s?,s:s?}", "name", options->name, "value",
						      options->value, "help", options->help));
	return json;
}

static json_t *command_json(const struct command *command)
{
	json_t *arguments = json_array();

	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++)
		json_array_append_new(arguments, json_pack("{s:s,s:b,s:b}", "name", argument->name, "optional",
							   argument->optional, "many", argument->many));
	return json_pack("{s:s,s:s,s:o,s:o}", "name", command->name, "summary", command->summary, "options",
			 options_json(command->options), "arguments", arguments);
}

/* The table of commands, or one line of it, for programs. */
static void print_json(const struct command *command)
{
	json_t *commands = json_array();

	for (const struct command *const *each = cli_commands; *each; each++)
		if ((*each)->summary && (!command || command == *each))
			json_array_append_new(commands, command_json(*each));
	cli_print_json(json_pack("{s:o,s:o}", "commands", commands, "options", options_json(cli_common_options)));
}

int cli_print_help(const struct cli *cli, const struct command *command)
{
	if (cli->json) {
		print_json(command);
		return cli_finish_output(cli);
	}
	if (command) {
		cli_print_usage(command, stdout);
		printf("    %s\n", command->summary ? command->summary : "");
		if (command->options || command->notes)
			putchar('\n');
		if (command->options)
			cli_print_options(command->options, stdout);
		if (command->options && command->notes)
			putchar('\n');
		fputs(command->notes ? command->notes : "", stdout);
		return cli_finish_output(cli);
	}
	printf("bindgate lets an unprivileged service bind exactly the ports it was granted.\n\n");
	for (const struct command *const *each = cli_commands; *each; each++)
		if ((*each)->summary)
			printf("  bindgate %s%-9s%s %s\n", cli_style("bold"), (*each)->name, cli_style("plain"),
			       (*each)->summary);
	printf("\nA RULE is a port and what else it takes: 80, 443/tcp, 8000-8100/udp, deny:22, 127.0.0.1:53/udp,\n"
	       "[::1]:80, 3000=80/tcp (a bind to 3000 lands on 80), 80/tcp,uid=www-data, 25,for=10m.\n"
	       "A CGROUP is a path, pid:N, self, unit:NAME or user:NAME.\n\n"
	       "Every command takes:\n");
	cli_print_options(cli_common_options, stdout);
	return cli_finish_output(cli);
}

static int run_help(struct cli *cli, int argc, char **argv)
{
	const struct command *command = NULL;

	cli_end_options(cli, argc, argv);
	if (optind < argc) {
		command = cli_find_command(argv[optind]);
		if (!command)
			return cli_usage_error(cli, "there is no command \"%.32s\"", argv[optind]);
	}
	return cli_print_help(cli, command);
}

const struct command cmd_help = {
	.name = "help",
	.summary = "this, or a command's options and examples",
	.arguments = (const struct cli_argument[]){ { .name = "COMMAND", .words = CLI_COMMAND, .optional = true },
						    { 0 } },
	.run = run_help,
};
