// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/user.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bg_cgroup_of_user(const char *user, char name[static PATH_MAX], struct bg_error *error)
{
	const struct passwd *found;
	size_t digits = strspn(user, "0123456789");
	unsigned long long uid = 0;

	if (digits && !user[digits] && digits <= 10)
		uid = strtoull(user, NULL, 10);
	if (uid && uid < (__UINT32_TYPE__)-1) {
		snprintf(name, PATH_MAX, "/user.slice/user-%llu.slice", uid);
		return 0;
	}
	found = *user && strlen(user) < 256 ? getpwnam(user) : NULL;
	if (!found)
		return bg_error(error, -ENOENT, "there is no user \"%.64s\" here", user);
	snprintf(name, PATH_MAX, "/user.slice/user-%u.slice", found->pw_uid);
	return 0;
}
