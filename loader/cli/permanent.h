/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CLI_PERMANENT_H
#define BINDGATE_CLI_PERMANENT_H

#include "cli/cli.h"
#include "permanent/permanent.h"

/* What commands do with permanent gates. */

#define OPTION_PERMANENT 420
#define PERMANENT_OPTION(what)                                              \
	{                                                                   \
		.name = "permanent", .help = (what), .id = OPTION_PERMANENT \
	}

/* attach --permanent: declares it, and makes the gates that it is for where they can be now; all or nothing. */
int cli_attach_permanent(struct cli *cli, const char *name, const struct bg_policy *policy);

/* add and remove --permanent: `each` is for every rule. */
int cli_edit_permanent(struct cli *cli, const char *name, char **rules,
		       int (*each)(struct bg_policy *policy, const char *rule, struct bg_error *error));

/* detach --permanent: NULL for all of them. Takes away what is declared; *names (JSON) has what was. Returns DONE, or the
 * status of the first that failed, for which `failed` was called. */
int cli_forget_permanent(const char *name, json_t *names,
			 void (*failed)(const char *name, int status, const struct bg_error *error, void *arg),
			 void *arg);

/* list --permanent */
int cli_list_permanent(struct cli *cli);

#endif
