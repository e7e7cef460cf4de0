/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CLI_H
#define BINDGATE_CLI_H

#include "base/error.h"
#include "base/escape.h"
#include "base/need.h"
#include "cli/command.h"
#include "gate/gate.h"
#include "report/json.h"
#include "gate/store.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses. */
enum {
	DONE = 0,
	FAILED = 1, /* for explain: would be refused */
	USAGE = 2,
	NO_GATE = 3,
	CANNOT = 4, /* this kernel */
};

/* What every command is given. */
struct cli {
	const struct command *command;
	bool json;
	const char *pin_dir;
	int own_mounts; /* the mount namespace that this process came from, where it left it; or -1 */
	int own_dir;    /* and its working directory */
};

/* Options that describe a policy: of attach, run and learn. */
enum {
	OPTION_DEFAULT = 400,
	OPTION_NETNS,
	OPTION_AUDIT,
	OPTION_LABEL,
};
#define POLICY_OPTIONS                                                                                 \
	{ .name = "default",                                                                           \
	  .value = "pass|deny",                                                                        \
	  .help = "what happens to binds that no rule matches (pass: as without bindgate)",            \
	  .id = OPTION_DEFAULT },                                                                      \
		{ .name = "netns",                                                                     \
		  .value = "any|host",                                                                 \
		  .help = "host: gate only sockets of the machine's own network namespace",            \
		  .id = OPTION_NETNS },                                                                \
		{ .name = "audit",                                                                     \
		  .help = "count and report denies, but do not enforce them",                          \
		  .id = OPTION_AUDIT },                                                                \
	{                                                                                              \
		.name = "label", .value = "TEXT", .help = "a note that list shows", .id = OPTION_LABEL \
	}

/* Takes one of them, its value in optarg. Returns DONE or USAGE. */
int cli_take_policy_option(const struct cli *cli, int option, struct bg_policy *policy);

/* "attached /app: 80/tcp, default pass" */
void cli_print_policy(const char *result, const char *name, const struct bg_policy *policy);
extern const char *const cli_attach_results[]; /* by enum bg_attach_result */

/* Says what is wrong with how the command was called. Returns USAGE. */
int cli_usage_error(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what went wrong. Returns the exit status that belongs to `err`, a negative errno; or the one given. */
int cli_print_error(const struct cli *cli, int err, const struct bg_error *error);
int cli_print_error_as(const struct cli *cli, int status, const struct bg_error *error);

/* A line on stderr; with --json it is kept for the answer's "warnings". */
void cli_print_warning(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
json_t *cli_warnings(void); /* a new reference to all of them */

/* Prints the object and lets go of it. */
void cli_print_json(json_t *object);

/* Was all of stdout written? Returns DONE or FAILED. */
int cli_finish_output(const struct cli *cli);

/* What a name stands for: a cgroup, or "id:N" for a gate whose cgroup has no path any more. Where there is none, says
 * so. Returns DONE or the status to end with: a cgroup that is gone has no gate. */
int cli_find_gate(const struct cli *cli, const char *name, struct bg_cgroup *out);
int cli_resolve_gate(const char *name, struct bg_cgroup *out, struct bg_error *error); /* says nothing */

/* Says so. Returns NO_GATE. */
int cli_print_no_gate(const struct cli *cli, const struct bg_cgroup *cgroup);

/* Calls `each` for the gate named, or with NULL for all. What it writes to `out` is printed once the lock is gone: whoever
 * reads may take their time. `each` returns DONE or the status to end with. */
typedef int (*cli_gate_fn)(const struct bg_gate *gate, FILE *out, void *arg);
int cli_each_gate(struct cli *cli, const char *name, cli_gate_fn each, void *arg);

bool cli_is_utf8(const char *text);

/* A decimal number from 1 to `most`? */
bool cli_parse_number(const char *text, unsigned long most, unsigned long *out);

/* From now on SIGINT, SIGTERM and SIGHUP are read from this (non-blocking) descriptor; or a negative errno. */
int cli_catch_signals(struct bg_error *error);

/* Where cgroup v2 is not mounted, as below `ip netns exec`, which lays an empty /sys over it: goes to the mounts of the nearest
 * process above this one that has it. cli_leave_mounts brings a child back. */
void cli_find_mounts(struct cli *cli);
int cli_leave_mounts(const struct cli *cli, struct bg_error *error);

/* Terminal dressing: an empty string where colours do not belong. */
const char *cli_style(const char *name); /* "bold", "dim", "red", "green", "yellow", "plain" */

/* A table whose columns are as wide as they have to be. Cells are copied. */
struct table;
struct table *table_new(unsigned int columns);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_right(struct table *table, unsigned int column); /* numbers */
void table_line(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* across all columns */
void table_print(const struct table *table, FILE *out);
void table_free(struct table *table);

/* watch --refused, up to `count` refusals; 0: without end. Returns the status to end with. */
int cli_watch_refused(struct cli *cli, unsigned long count);

/* A decision as a line, and what stands above such lines. */
void cli_print_event(const struct bg_event *event, const char *cgroup);
void cli_print_event_head(void);

/* The help of a command, or with NULL that of bindgate. Returns DONE or FAILED. */
int cli_print_help(const struct cli *cli, const struct command *command);

#endif
