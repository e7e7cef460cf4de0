/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_MOUNT_H
#define BINDGATE_MOUNT_H

#include "base/error.h"

/* Where cgroup v2 is mounted: /sys/fs/cgroup, on hybrid hosts /sys/fs/cgroup/unified. -ENOENT: nowhere. The string
 * is the library's and stays. */
int bg_cgroup_mount(const char **path, struct bg_error *error);

#endif
