/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_MOUNT_INTERNAL_H
#define BINDGATE_MOUNT_INTERNAL_H

#include "cgroup/mount.h"

#include <limits.h>
#include <stdbool.h>

/* Where the cgroup file systems are mounted, and what a person may have meant. */

struct bg_cgroup_mounted {
	int fd;              /* of the mount point */
	int error;           /* why one could not be looked at; 0: all could */
	char path[PATH_MAX]; /* absolute */
	char root[PATH_MAX]; /* what of the tree is mounted there: "/" all of it, as far as this cgroup namespace sees */
};

/* The cgroup2 mount that everything is named after; looked up once. -ENOENT: there is none. */
int bg_cgroup_mounted(const struct bg_cgroup_mounted **out, struct bg_error *error);

/* Is the directory part of a cgroup v2 tree? 1; 0: it is not, or is not there; or a negative errno. */
int bg_cgroup_is_v2(const char *path);

/* What is left of `path` below `dir`: "" or "/…"; NULL: it is not in there. */
const char *bg_path_below(const char *path, const char *dir);

/*
 * The cgroup v2 directory that was meant by `path`, which is none: the same cgroup in the v2 tree. Returns false
 * where that does not exist either. *is_v1: `path` is in a cgroup v1 tree.
 */
bool bg_cgroup_meant(const char *path, char meant[static PATH_MAX], bool *is_v1);

#endif
