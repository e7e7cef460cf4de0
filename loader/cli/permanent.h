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

/* Whether a gate will be there tomorrow. */
struct cli_lasting {
	bool permanent;                     /* something makes it again */
	bool differs;                       /* but with another policy */
	char ends_with[BG_LABEL_MAX + 256]; /* the unit at whose stop it goes; empty: none */
	char name[BG_PERMANENT_NAME_MAX];   /* by which --permanent knows it; empty: by none that lasts */
	const char *keeper;                 /* who makes it again */
};
void cli_look_lasting(const struct bg_gate *gate, struct cli_lasting *out);

/* One line on a gate that was made or changed by hand: that it goes, and how to keep it. NULL: there is nothing to say. To be
 * freed. */
char *cli_lasting_line(const struct cli *cli, const struct bg_gate *gate);

/* list --permanent */
int cli_list_permanent(struct cli *cli);

#endif
