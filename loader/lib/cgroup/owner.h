/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_OWNER_H
#define BINDGATE_OWNER_H

#include "cgroup/cgroup.h"

/*
 * In whose hands a cgroup is. Whoever owns a directory may remove and remake what is in it; whoever may write the
 * cgroup.procs above two cgroups may move any process from one to the other, root's too.
 */

/* Can a user other than root write its cgroup.procs, and so enter it? Gives whose it is: uid, or gid with *is_group;
 * (__u32)-1 for everybody. */
bool bg_cgroup_open_to_others(const struct bg_cgroup *cgroup, __u32 *id, bool *is_group);

/* The nearest cgroup, itself or one above it, that is root's own with all that is above it. -EPERM: not even the mount
 * is. */
int bg_cgroup_of_root(const struct bg_cgroup *cgroup, struct bg_cgroup *out, struct bg_error *error);

#endif
