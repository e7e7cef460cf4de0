/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_UNIT_H
#define BINDGATE_UNIT_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

/* Has a unit, written as after unit:, a cgroup of that name? */
bool bg_unit_is(const char *unit, const char *cgroup);

/* The directory of a systemd unit. Errors as bg_cgroup_find. */
int bg_cgroup_of_unit(const char *unit, char path[static PATH_MAX], struct bg_error *error);

#endif
