/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PERMANENT_H
#define BINDGATE_PERMANENT_H

#include "policy/policy.h"

#include <limits.h>

/*
 * Gates that come back after a restart of their service and after a reboot, each by its name:
 *
 *	unit:nginx.service	a drop-in of its own: systemd makes the gate before the first process
 *	user:alice, /app, ...	a file that bindgated keeps
 */

#define BG_PERMANENT_NAME_MAX PATH_MAX

#define BG_DAEMON_OWNER "bindgated" /* of the gates that it keeps */

enum bg_permanent_keeper {
	BG_KEPT_BY_SYSTEMD,
	BG_KEPT_BY_BINDGATED,
};

struct bg_permanent {
	char name[BG_PERMANENT_NAME_MAX];
	enum bg_permanent_keeper keeper;
	char file[PATH_MAX];
	char damage[128]; /* why its file cannot be read; empty: the policy is what it says */
	struct bg_policy policy;
};

/* The name under which it is kept, from what a person wrote: a path of a service's cgroup gives the unit, an alias the
 * unit that it stands for. -EINVAL: what is named cannot come back (a scope, a pid). */
int bg_permanent_name(const char *text, char name[static BG_PERMANENT_NAME_MAX], struct bg_error *error);

/* -ENOENT: there is none of that name. For an instance of a template also that of the template counts. */
int bg_permanent_read(const char *name, struct bg_permanent *out, struct bg_error *error);

/* Calls `each` for all of them; what it returns ends the round when it is not 0. */
int bg_permanent_each(int (*each)(const struct bg_permanent *permanent, void *arg), void *arg,
		      struct bg_error *error);

/* Is the name for this cgroup, such as "/system.slice/nginx.service"? */
bool bg_permanent_is_for(const char *name, const char *cgroup);

const char *bg_permanent_keeper_name(enum bg_permanent_keeper keeper);

/* Calls `each` for the cgroups that the name is for, "/system.slice/nginx.service", and that are likely there now. */
int bg_permanent_each_cgroup(const char *name, int (*each)(const char *cgroup, void *arg), void *arg,
			     struct bg_error *error);

#endif
