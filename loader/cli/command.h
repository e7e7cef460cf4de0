/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CLI_COMMAND_H
#define BINDGATE_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

struct cli;

/* What completes a word of the command line, beside the words that its table names. */
enum cli_words {
	CLI_ANYTHING, /* nothing does */
	CLI_GATE,
	CLI_CGROUP,
	CLI_RULE, /* of the gate that is named before it */
	CLI_COMMAND,
	CLI_PROGRAM, /* with its own arguments */
	CLI_USER,
	CLI_FILE,
	CLI_DIRECTORY,
};

/* `value` and an argument's `name` are in capitals what the usage calls it ("CGROUP"), in small letters the very words to
 * choose from ("pass|deny"). */
struct cli_option {
	const char *name;  /* without its dashes */
	const char *value; /* NULL: takes none */
	const char *help;
	int id; /* what cli_next_option returns; a printable one is the option's letter as well */
	enum cli_words words;
	bool instead; /* of the arguments: --all */
};

struct cli_argument {
	const char *name;
	enum cli_words words;
	bool optional;
	bool many; /* the last: may be given again */
};

/* One command: the usage, the parsing of options, help and the shells' completion are made from this. */
struct command {
	const char *name;
	const char *summary;                  /* one line; NULL: help does not show the command */
	const char *notes;                    /* lines: what else there is to know, and examples */
	const struct cli_option *options;     /* ends with one without a name; NULL: none */
	const struct cli_argument *arguments; /* likewise */
	bool wraps;                           /* behind its first argument may stand another command's options */
	int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct command *const cli_commands[];   /* as help shows them; ends with NULL */
extern const struct cli_option cli_common_options[]; /* of every command */

extern const struct command cmd_add, cmd_apply, cmd_attach, cmd_complete, cmd_detach, cmd_explain, cmd_export,
	cmd_help, cmd_learn, cmd_list, cmd_maps, cmd_oci_hook, cmd_probe, cmd_remove, cmd_run, cmd_version,
	cmd_watch;

const struct command *cli_find_command(const char *name); /* or NULL */

bool cli_is_choice(const char *value); /* are these the words to choose from? */

/* "bindgate attach [OPTION...] CGROUP RULE...", and what each option is for. */
void cli_print_usage(const struct command *command, FILE *out);
void cli_print_options(const struct cli_option *options, FILE *out);

/* Is --json among words that are not parsed, because those before them are wrong? */
bool cli_asks_for_json(int argc, char **argv);

/* The next option that is the command's own, its value in optarg; -1 at their end: what follows begins at optind. The common
 * ones are dealt with here. Ends the process after --help, and with USAGE at a wrong one. */
int cli_next_option(struct cli *cli, int argc, char **argv);

/* Ends the options: for a command that has none of its own. */
void cli_end_options(struct cli *cli, int argc, char **argv);

#endif
