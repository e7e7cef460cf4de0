/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_GLOB_H
#define BINDGATE_GLOB_H

#include "cgroup/cgroup.h"

/* The name written so that it stands for that cgroup alone, to be freed; NULL: out of memory. */
char *bg_cgroup_literal(const char *name);

/* Can it, likely, match nothing that systemd makes? Then `doubt` says why. */
bool bg_cgroup_glob_doubt(const char *pattern, char doubt[static 256]);

/* Is it a pattern such as /kubepods/pod* or unit:web@*? */
bool bg_cgroup_is_glob(const char *text);

/* Calls `each` for the cgroup named, or for all that a pattern matches now, which may be none. Errors as
 * bg_cgroup_find, or what `each` returned. */
int bg_cgroup_each(const char *text, int (*each)(const struct bg_cgroup *cgroup, void *arg), void *arg,
		   struct bg_error *error);

#endif
