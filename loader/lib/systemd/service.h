/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SERVICE_H
#define BINDGATE_SERVICE_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

/* Units as systemd knows them, whether they run or not. */

#define BG_UNIT_MAX 256 /* bytes of a unit's name, with its end */

/* The whole name of what a person calls a unit: nginx is nginx.service; web@ and web@* are the template web@.service.
 * -EINVAL: no unit can be called so. */
int bg_unit_name(const char *text, char name[static BG_UNIT_MAX], struct bg_error *error);

bool bg_unit_is_service(const char *name);
bool bg_unit_is_template(const char *name);

/* The template of an instance: web@one.service has web@.service. false: it is no instance. */
bool bg_unit_template(const char *name, char template[static BG_UNIT_MAX]);

/* What a service's next start would be like, and where it runs now. */
struct bg_service {
	char name[BG_UNIT_MAX]; /* its own: of an alias that which it stands for */
	bool found;             /* systemd knows it; else nothing below is meant */
	bool masked;
	bool active;
	char cgroup[PATH_MAX]; /* below the cgroup2 mount: "/system.slice/nginx.service"; empty: it does not run */
	char slice[BG_UNIT_MAX];
	char user[BG_UNIT_MAX]; /* as in its file; empty: root */
	char group[BG_UNIT_MAX];
	bool dynamic_user;
	bool ambient_bind; /* AmbientCapabilities= has CAP_NET_BIND_SERVICE */
	bool bounding_bind;
	bool private_users;
	bool private_network;
	bool has_root; /* RootDirectory= or RootImage=: its commands are looked for in there, those with "+" too */
	bool starts_alone; /* it has no commands but ExecStart= */
	bool has_gate;     /* an ExecCondition= of it attaches a gate to it */
};

/* Asks systemd; of a template an instance that nobody would make stands for it. Not found
 * is no error. */
int bg_service_read(const char *unit, struct bg_service *out, struct bg_error *error);

/* Calls `each` for the cgroup, as in struct bg_service, of the unit, or of each instance of a template, that has one.
 * Ends with what `each` returned when that is not 0. */
int bg_service_each_cgroup(const char *unit, int (*each)(const char *cgroup, void *arg), void *arg,
			   struct bg_error *error);

/* A name for what a cgroup is part of that will still be right after a restart: "/system.slice/nginx.service/worker" is
 * "unit:nginx.service", "/user.slice/user-1000.slice/session-2.scope" is "user:alice". false: it has none but its path. */
bool bg_lasting_name(const char *cgroup, char name[static BG_UNIT_MAX + 8]);

#endif
