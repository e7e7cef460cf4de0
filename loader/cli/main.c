// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *find_command(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

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

	for (const struct command *command = commands; command->name; command++) {
		unsigned int far = distance(name, command->name);

		if (far < least) {
			least = far;
			best = command->name;
		}
	}
	return best;
}

int run_help(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	const struct command *command;

	cli_next_option(cli, argc, argv, options);
	if (optind < argc) {
		command = find_command(argv[optind]);
		if (!command)
			return cli_usage_error(cli, "there is no command \"%.32s\"", argv[optind]);
		printf("bindgate %s %s\n    %s\n%s%s", command->name, command->arguments, command->summary,
		       *command->help ? "\n" : "", command->help);
		return cli_finish_output(cli);
	}
	printf("bindgate lets an unprivileged service bind exactly the ports it was granted.\n\n");
	for (command = commands; command->name; command++)
		printf("  bindgate %s%-9s%s %s\n", cli_style("bold"), command->name, cli_style("plain"),
		       command->summary);
	printf("\nA RULE is a port and what else it takes: 80, 443/tcp, 8000-8100/udp, deny:22, 127.0.0.1:53/udp,\n"
	       "[::1]:80, 3000=80/tcp (a bind to 3000 lands on 80), 80/tcp,uid=www-data, 25,for=10m.\n"
	       "A CGROUP is a path, pid:N, self or unit:NAME.\n"
	       "Every command takes --help, --json and --pin-dir DIR.\n");
	return cli_finish_output(cli);
}

static int run_version_option(struct cli *cli)
{
	char *argv[] = { (char *)"version", NULL };

	optind = 0;
	return run_version(cli, 1, argv);
}

/* Options may stand before the command too. */
int main(int argc, char **argv)
{
	static const struct command bindgate = { .name = "", .wraps = true };
	static const struct option options[] = { { "version", no_argument, NULL, 'V' }, COMMON_OPTIONS };
	struct cli cli = { .command = &bindgate, .pin_dir = bg_store_default_dir() };
	char *bare[] = { (char *)"list", NULL };
	const char *meant;

	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write */
	if (cli_next_option(&cli, argc, argv, options) == 'V') {
		cli.command = find_command("version");
		return run_version_option(&cli);
	}
	argc -= optind;
	argv += optind;
	if (argc == 0) {
		argc = 1;
		argv = bare;
	}
	cli.command = find_command(argv[0]);
	if (!cli.command) {
		cli.command = &bindgate;
		meant = nearest(argv[0]);
		return cli_usage_error(&cli,
				       meant ? "there is no command \"%.32s\"; did you mean %s?"
					     : "there is no command \"%.32s\"",
				       argv[0], meant);
	}
	optind = 0; /* glibc's getopt begins anew, and looks whether options come first, anew */
	return cli.command->run(&cli, argc, argv);
}
