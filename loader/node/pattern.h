/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_PATTERN_H
#define BINDGATED_PATTERN_H

#include <stdbool.h>

/* What a declaration calls a cgroup: a path below the cgroup2 mount, a glob of one, unit:NAME, user:NAME. */

enum match {
	NOTHING,
	ON_THE_WAY, /* something below may match */
	MATCHES,
};

enum match pattern_match(const char *pattern, const char *path);
bool pattern_matches(const char *pattern, const char *path); /* itself */

#endif
