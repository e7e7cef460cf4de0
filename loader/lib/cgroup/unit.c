// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/unit.h"

#include "cgroup/cgroup.h"
#include "cgroup/mount_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* The unit's directory is searched for in the tree. Asking over D-Bus would need systemd to be up and to answer. */
struct search {
	char unit[NAME_MAX + 1];
	unsigned int found;
	char first[PATH_MAX];
	char second[PATH_MAX];
	char **todo; /* directories still to be looked into */
	size_t count;
	int (*each)(const char *path, void *arg); /* or NULL */
	void *arg;
};

static bool has_suffix(const char *unit)
{
	static const char *const suffixes[] = { ".service", ".scope", ".slice", ".socket", ".mount", ".swap" };
	size_t length = strlen(unit);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (length > suffix && !strcmp(unit + length - suffix, suffixes[i]))
			return true;
	}
	return false;
}

bool bg_unit_is_glob(const char *unit)
{
	return strpbrk(unit, "*?[");
}

/* systemd puts a _ before unit names that look like a cgroup's own files. */
bool bg_unit_is(const char *unit, const char *cgroup)
{
	size_t length = strlen(unit);
	char pattern[NAME_MAX + 9];

	cgroup += *cgroup == '_';
	if (bg_unit_is_glob(unit)) /* a backslash is part of a unit's name */
		return snprintf(pattern, sizeof(pattern), "%s%s", unit, has_suffix(unit) ? "" : ".service") <
			       (int)sizeof(pattern) &&
		       !fnmatch(pattern, cgroup, FNM_NOESCAPE);
	return !strncmp(cgroup, unit, length) && !strcmp(cgroup + length, has_suffix(unit) ? "" : ".service");
}

/* A cgroup that belongs to another user: that user can give a cgroup below it the name of any unit. */
static bool is_delegated(const char *path)
{
	struct stat st;

	return stat(path, &st) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) ||
	       getxattr(path, "trusted.delegate", NULL, 0) > 0 || getxattr(path, "user.delegate", NULL, 0) > 0;
}

static int push(struct search *search, const char *path)
{
	char **more = reallocarray(search->todo, search->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	search->todo = more;
	if (asprintf(&more[search->count], "%s", path) < 0)
		return -ENOMEM;
	search->count++;
	return 0;
}

static int look(struct search *search, const char *dir)
{
	DIR *stream = opendir(dir);
	const struct dirent *entry;
	int err = 0;

	if (!stream) /* gone meanwhile */
		return 0;
	while (!err && (entry = readdir(stream))) {
		char path[PATH_MAX];

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		if (bg_unit_is(search->unit, entry->d_name)) {
			if (search->found < 2)
				strcpy(search->found ? search->second : search->first, path);
			search->found++;
			err = search->each ? search->each(path, search->arg) : 0;
		}
		if (!err && !is_delegated(path))
			err = push(search, path);
	}
	closedir(stream);
	return err;
}

static int walk(struct search *search, const char *root)
{
	int err = push(search, root);

	while (!err && search->count) {
		char *dir = search->todo[--search->count];

		err = look(search, dir);
		free(dir);
	}
	while (search->count)
		free(search->todo[--search->count]);
	free(search->todo);
	return err;
}

/* The unit that this very process is part of: no other of its name is meant then. */
static bool find_own(const char *unit, char path[static PATH_MAX])
{
	char part[NAME_MAX + 1];
	struct bg_cgroup self;
	size_t length;

	if (bg_cgroup_find("self", &self, NULL))
		return false;
	for (const char *at = self.name; *at == '/'; at += length) {
		length = strcspn(++at, "/");
		if (snprintf(part, sizeof(part), "%.*s", (int)length, at) >= (int)sizeof(part))
			return false;
		if (bg_unit_is(unit, part)) {
			snprintf(path, PATH_MAX, "%.*s", (int)(strlen(self.path) - strlen(at + length)), self.path);
			return true;
		}
		if (length < 6 || strcmp(part + length - 6, ".slice") != 0)
			return false;
	}
	return false;
}

int bg_cgroup_of_unit(const char *unit, char path[static PATH_MAX], struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	struct search search = { .found = 0 };
	int err = bg_cgroup_mounted(&mounted, error);

	if (err)
		return err;
	if (!*unit || strchr(unit, '/'))
		return bg_error(error, -EINVAL,
				"unit:%.100s names no unit: write it as systemctl does, as in unit:nginx", unit);
	if (snprintf(search.unit, sizeof(search.unit), "%s%s", unit, has_suffix(unit) ? "" : ".service") >=
	    (int)sizeof(search.unit))
		return bg_error(error, -ENAMETOOLONG, "unit:%.40s… is too long for a unit", unit);
	if (find_own(search.unit, path))
		return 0;
	err = walk(&search, mounted->path);
	if (err)
		return bg_error(error, err, "cannot search %s for %s: %s", mounted->path, search.unit,
				strerror(-err));
	if (!search.found)
		return bg_error(error, -ENOENT,
				"no cgroup of a unit %s below %s: is it running? (units of users and of "
				"containers are found by their path only)",
				search.unit, mounted->path);
	if (search.found > 1)
		return bg_error(error, -EINVAL, "%u cgroups are called %s: give the path, %.350s or %.350s",
				search.found, search.unit, search.first, search.second);
	strcpy(path, search.first);
	return 0;
}

int bg_cgroup_each_unit(const char *pattern, int (*each)(const char *path, void *arg), void *arg,
			struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	struct search search = { .each = each, .arg = arg };
	int err = bg_cgroup_mounted(&mounted, error);

	if (err)
		return err;
	if (snprintf(search.unit, sizeof(search.unit), "%s", pattern) >= (int)sizeof(search.unit))
		return bg_error(error, -ENAMETOOLONG, "unit:%.40s… is too long for a unit", pattern);
	return walk(&search, mounted->path);
}
