/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_UNIT_H
#define BINDGATE_UNIT_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

/* Is it a pattern, such as web@* for the instances of web@.service? */
bool bg_unit_is_glob(const char *unit);

/* Has a unit, written as after unit:, a pattern too, a cgroup of that name? */
bool bg_unit_is(const char *unit, const char *cgroup);

/* The directory of a systemd unit. Errors as bg_cgroup_find. */
int bg_cgroup_of_unit(const char *unit, char path[static PATH_MAX], struct bg_error *error);

/* Calls `each` for every directory of a unit that the pattern matches; what it returns ends the round when it is not 0. */
int bg_cgroup_each_unit(const char *pattern, int (*each)(const char *path, void *arg), void *arg,
			struct bg_error *error);

#endif
