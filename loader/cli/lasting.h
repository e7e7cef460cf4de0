/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CLI_LASTING_H
#define BINDGATE_CLI_LASTING_H

#include "cli/cli.h"
#include "permanent/permanent.h"
#include "systemd/service.h"

/* Whether a gate will be there tomorrow. */
struct cli_lasting {
	bool permanent;                   /* something makes it again */
	bool differs;                     /* but with another policy */
	char ends_with[BG_UNIT_MAX + 8];  /* the unit at whose stop it goes; empty: none */
	char name[BG_PERMANENT_NAME_MAX]; /* by which --permanent knows it; empty: by none that lasts */
	const char *keeper;               /* who makes it again */
};
void cli_look_lasting(const struct bg_gate *gate, struct cli_lasting *out);

/* One line on a gate that was made or changed by hand: that it goes, and how to keep it. NULL: there is nothing to say. To be
 * freed. */
char *cli_lasting_line(const struct cli *cli, const struct bg_gate *gate);

#endif
