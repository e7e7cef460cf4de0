// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/glob.h"

#include "cgroup/mount.h"
#include "cgroup/unit.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool bg_cgroup_glob_doubt(const char *pattern, char doubt[static 256])
{
	static const char slice[] = "/system.slice/";
	const char *leaf = pattern + sizeof(slice) - 1, *at;

	if (strncmp(pattern, slice, sizeof(slice) - 1) || strchr(leaf, '/'))
		return false;
	at = strchr(leaf, '@');
	if (!at || at == leaf)
		return false;
	snprintf(doubt, 256, "systemd has instances of %.*s@ in /system.slice/system-%.*s.slice: write unit:%.*s@*",
		 (int)(at - leaf > 50 ? 50 : at - leaf), leaf, (int)(at - leaf > 50 ? 50 : at - leaf), leaf,
		 (int)(at - leaf > 50 ? 50 : at - leaf), leaf);
	return true;
}

bool bg_cgroup_is_glob(const char *text)
{
	return strpbrk(text, "*?[");
}

struct units {
	int (*each)(const struct bg_cgroup *cgroup, void *arg);
	void *arg;
	struct bg_error *error;
};

static int find_and_call(const char *path, void *arg)
{
	const struct units *units = arg;
	struct bg_cgroup cgroup;
	int err = bg_cgroup_find(path, &cgroup, units->error);

	if (err)
		return err == -ENOENT ? 0 : err; /* gone meanwhile */
	return units->each(&cgroup, units->arg);
}

char *bg_cgroup_literal(const char *name)
{
	char *text = malloc(2 * strlen(name) + 1), *to = text;
	bool escaped = bg_cgroup_is_glob(name);

	for (; text && *name; *to++ = *name++)
		if (escaped && strchr("*?[\\", *name))
			*to++ = '\\';
	if (text)
		*to = '\0';
	return text;
}

int bg_cgroup_each(const char *text, int (*each)(const struct bg_cgroup *cgroup, void *arg), void *arg,
		   struct bg_error *error)
{
	struct units units = { .each = each, .arg = arg, .error = error };
	struct bg_cgroup cgroup;
	char pattern[PATH_MAX];
	const char *mount;
	glob_t found;
	int err;

	if (!bg_cgroup_is_glob(text)) {
		err = bg_cgroup_find(text, &cgroup, error);
		return err ? err : each(&cgroup, arg);
	}
	if (!strncmp(text, "unit:", 5))
		return bg_cgroup_each_unit(text + 5, find_and_call, &units, error);
	err = bg_cgroup_mount(&mount, error);
	if (err)
		return err;
	if (!strncmp(text, mount, strlen(mount)) && text[strlen(mount)] == '/')
		text += strlen(mount);
	if (snprintf(pattern, sizeof(pattern), "%s/%s", mount, *text == '/' ? text + 1 : text) >=
	    (int)sizeof(pattern))
		return bg_error(error, -ENAMETOOLONG, "%.40s… is too long for a path", text);
	if (glob(pattern, GLOB_ONLYDIR, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !err; i++) {
		struct stat st;

		if (stat(found.gl_pathv[i], &st) || !S_ISDIR(st.st_mode))
			continue;
		err = find_and_call(found.gl_pathv[i], &units);
	}
	globfree(&found);
	return err;
}
