/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_USER_H
#define BINDGATE_USER_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The slice of a user, in which systemd runs their sessions and services: of alice or 1000 "/user.slice/user-1000.slice".
 * -ENOENT: there is no such user. */
int bg_cgroup_of_user(const char *user, char name[static PATH_MAX], struct bg_error *error);

#endif
