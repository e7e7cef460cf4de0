// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/scope.h"

#include "base/need.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The slice's name for systemd; NULL: it is none. */
static const char *slice_of(const struct bg_cgroup *cgroup)
{
	const char *name = strrchr(cgroup->name, '/') + 1, *end = strrchr(name, '.');

	if (!*name)
		return "-.slice";
	return end && !strcmp(end, ".slice") ? name : NULL;
}

/* Every argument of this process, the options before the command too. To be freed, with the text they are in. */
static char **read_arguments(char **text)
{
	FILE *file = fopen("/proc/self/cmdline", "re");
	char **arguments = NULL;
	size_t count = 0, size = 0;
	ssize_t length = file ? getdelim(text, &size, EOF, file) : -1;

	for (char *at = *text; length > 0 && at < *text + length; at += strlen(at) + 1) {
		arguments = bg_need(reallocarray(arguments, count + 2, sizeof(*arguments)));
		arguments[count++] = at;
		arguments[count] = NULL;
	}
	if (file)
		fclose(file);
	return arguments;
}

static int become_scope(const char *unit, const char *slice, struct bg_error *error)
{
	char program[PATH_MAX], *text = NULL, **own = read_arguments(&text);
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	const char **command;
	size_t count = 0;
	int err = -errno;

	if (length < 0 || !own) {
		free(own);
		free(text);
		return bg_error(error, err, "cannot read how this command was called: %s", strerror(-err));
	}
	program[length] = '\0';
	while (own[count])
		count++;
	command = bg_need(calloc(count + 10, sizeof(*command)));
	memcpy(command,
	       (const char *[]){ "systemd-run", "--scope", "--quiet", "--collect", "--unit", unit, "--slice", slice,
				 "--", program },
	       10 * sizeof(*command));
	memcpy(command + 10, own + 1, count * sizeof(*command)); /* with the NULL at the end */
	execvp(command[0], (char **)command);
	err = bg_error(error, -errno, "cannot run systemd-run, which is to make a scope in %s: %s", slice,
		       strerror(errno));
	free(command);
	free(own);
	free(text);
	return err;
}

int cli_enter_scope(const struct bg_place *place, struct bg_error *error)
{
	const char *slice = slice_of(&place->cgroup);
	char unit[48];

	if (place->cgroup.id == place->caller.id || !slice || !bg_place_has_systemd())
		return 0;
	snprintf(unit, sizeof(unit), "bindgate-run-%d.scope", getpid());
	if (strstr(place->caller.name, unit)) /* it has been done, and has not helped */
		return 0;
	return become_scope(unit, slice, error);
}
