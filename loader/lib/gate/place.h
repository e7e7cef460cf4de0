/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PLACE_H
#define BINDGATE_PLACE_H

#include "cgroup/cgroup.h"

/*
 * Where a command's own cgroup is made: in that of the caller, or where that is in another user's hands, who could take
 * the command out of its gate or the cgroup away, in the nearest one above it that is root's own.
 */
struct bg_place {
	struct bg_cgroup caller;
	struct bg_cgroup cgroup;
};

/* -EPERM: a gate, or a limit that root has set, holds for the caller but not there; the error names it, and what to do. */
int bg_place_find(struct bg_place *out, struct bg_error *error);

/* Is systemd this machine's, or container's, process 1? */
bool bg_place_has_systemd(void);

#endif
