// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

static json_t *collected;

void cli_print_json(json_t *object)
{
	if (json_dumpf(bg_need(object), stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) && !ferror(stdout))
		bg_need(NULL);
	json_decref(object);
	putchar('\n');
}

int cli_finish_output(const struct cli *cli)
{
	if (!fflush(stdout) && !ferror(stdout))
		return DONE;
	if (errno != EPIPE)
		fprintf(stderr, "bindgate: cannot write what %s has to say: %s\n", cli->command->name,
			strerror(errno));
	return FAILED;
}

/* One line on stderr; an object on stdout for programs. */
static int print_error(const struct cli *cli, int status, const char *text)
{
	if (cli->json) {
		cli_print_json(json_pack("{s:{s:o,s:i}}", "error", "message", bg_json_text(text), "code", status));
		fflush(stdout);
	} else {
		fprintf(stderr, "bindgate: %s\n", bg_escape(text));
	}
	return status;
}

int cli_usage_error(const struct cli *cli, const char *format, ...)
{
	char what[512], text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), *cli->command->name ? "%s; see bindgate %s --help" : "%s; see bindgate help",
		 what, cli->command->name);
	return print_error(cli, USAGE, text);
}

int cli_print_error_as(const struct cli *cli, int status, const struct bg_error *error)
{
	return print_error(cli, status, error->text);
}

int cli_print_error(const struct cli *cli, int err, const struct bg_error *error)
{
	int status = err == -EOPNOTSUPP ? CANNOT : FAILED;

	return print_error(cli, status, *error->text ? error->text : strerror(-err));
}

void cli_print_warning(const struct cli *cli, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!collected)
		collected = json_array();
	json_array_append_new(collected, bg_json_text(text));
	if (!cli->json)
		fprintf(stderr, "bindgate: warning: %s\n", bg_escape(text));
}

json_t *cli_warnings(void)
{
	return collected ? json_incref(collected) : json_array();
}

bool cli_is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string;
}

bool cli_parse_number(const char *text, unsigned long most, unsigned long *out)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value == 0 || value > most)
		return false;
	*out = value;
	return true;
}

int cli_catch_signals(struct bg_error *error)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return bg_error(error, -errno, "cannot wait for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return fd;
}
