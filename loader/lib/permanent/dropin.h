/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_DROPIN_H
#define BINDGATE_DROPIN_H

#include "policy/policy.h"

/* The text of a systemd drop-in by which a service has its gate before any process of its own runs. */

struct bg_dropin {
	const char *program; /* bindgate's own file */
	const char *pin_dir; /* NULL: the usual one */
	bool start_alone;    /* the service has a root directory of its own, and no commands but ExecStart= */
	const struct bg_policy *policy;
};

/* To be freed. NULL: out of memory. */
char *bg_dropin_print(const struct bg_dropin *dropin);

/* The policy that such a text declares. -EBADMSG: it is not as bg_dropin_print writes it. */
int bg_dropin_parse(const char *text, struct bg_policy *out, struct bg_error *error);

#endif
