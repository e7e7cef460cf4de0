/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SCOPE_H
#define BINDGATE_SCOPE_H

#include "gate/place.h"

/*
 * Where the place is not in the caller's cgroup but in a slice of systemd's, this process has systemd make a scope there,
 * and begins anew in it: systemd alone makes cgroups in its slices. Returns 0 where nothing of the kind is due, or a
 * negative errno: systemd-run could not be started.
 */
int cli_enter_scope(const struct bg_place *place, struct bg_error *error);

#endif
