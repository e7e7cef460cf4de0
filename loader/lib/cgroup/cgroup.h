/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CGROUP_H
#define BINDGATE_CGROUP_H

#include "base/error.h"

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>

/* A directory of the cgroup v2 tree. */
struct bg_cgroup {
	__u64 id;            /* the inode number of its directory */
	char path[PATH_MAX]; /* absolute */
	char name[PATH_MAX]; /* below the cgroup2 mount: "/app"; the mount itself: "/" */
};

/*
 * Finds what a person named: an absolute path, a path relative to the mount, pid:N (the cgroup of process N), self
 * (the caller's), unit:NAME (a systemd unit, ".service" where NAME has no suffix), user:NAME (her slice).
 * Links are followed.
 * -ENOENT no such cgroup, process or unit; -EINVAL not a cgroup v2 directory (names the path that was probably
 * meant), a bad pid, two units of that name; -ENAMETOOLONG.
 */
int bg_cgroup_find(const char *text, struct bg_cgroup *out, struct bg_error *error);

/* From an id, by file handle (needs CAP_DAC_READ_SEARCH). -ESTALE: no cgroup has it any more. */
int bg_cgroup_from_id(__u64 id, struct bg_cgroup *out, struct bg_error *error);

/* Is the cgroup still there? One system call or two; for going through thousands. */
bool bg_cgroup_exists(__u64 id);

/*
 * That very cgroup's directory, for reading; to be closed by the caller. Whatever is done to a cgroup is done through
 * one: who owns the directory above it may put another at its path at any moment, while an id is given only once.
 * -ESTALE: it is gone.
 */
int bg_cgroup_open(const struct bg_cgroup *cgroup, struct bg_error *error);

#endif
