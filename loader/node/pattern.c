// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/pattern.h"

#include "cgroup/unit.h"
#include "cgroup/user.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

static bool ends_in_slice(const char *part, size_t length)
{
	return length > 6 && !memcmp(part + length - 6, ".slice", 6);
}

/* A systemd unit lives in slices, nothing but slices: what users and containers call so is elsewhere. */
static enum match match_unit(const char *name, const char *path)
{
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (!path[length] && bg_unit_is(name, path))
			return MATCHES;
		if (!ends_in_slice(path, length))
			return NOTHING;
		path += length;
	}
	return ON_THE_WAY;
}

/* The user is looked up when a slice is there: at boot, when patterns are taken, directories of users may not be. */
static enum match match_user(const char *user, const char *path)
{
	static const char slices[] = "/user.slice";
	char slice[PATH_MAX];
	size_t length = strlen(path);

	if (!*path || !strcmp(path, "/") || !strcmp(path, slices))
		return ON_THE_WAY;
	if (strncmp(path, "/user.slice/user-", 17) || strchr(path + 17, '/') || !ends_in_slice(path, length))
		return NOTHING;
	return !bg_cgroup_of_user(user, slice, NULL) && !strcmp(slice, path) ? MATCHES : NOTHING;
}

enum match pattern_match(const char *pattern, const char *path)
{
	if (!strncmp(pattern, "unit:", 5))
		return match_unit(pattern + 5, path);
	if (!strncmp(pattern, "user:", 5))
		return match_user(pattern + 5, path);
	for (;;) {
		char part[NAME_MAX + 1], name[NAME_MAX + 1];
		size_t part_length, name_length;

		pattern += strspn(pattern, "/");
		path += strspn(path, "/");
		if (!*path)
			return *pattern ? ON_THE_WAY : MATCHES;
		if (!*pattern)
			return NOTHING;
		part_length = strcspn(pattern, "/");
		name_length = strcspn(path, "/");
		if (part_length > NAME_MAX || name_length > NAME_MAX)
			return NOTHING;
		memcpy(part, pattern, part_length);
		memcpy(name, path, name_length);
		part[part_length] = name[name_length] = '\0';
		if (strcmp(part, name) && fnmatch(part, name, 0))
			return NOTHING;
		pattern += part_length;
		path += name_length;
	}
}

bool pattern_matches(const char *pattern, const char *path)
{
	return pattern_match(pattern, path) == MATCHES;
}
