// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "permanent/program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder that everybody may write is root's where it is sticky; a group that may write /usr/local is as good as root. */
static bool is_roots(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && st.st_uid == 0 && (!(st.st_mode & S_IWOTH) || (st.st_mode & S_ISVTX));
}

int bg_program_file(char path[static PATH_MAX], struct bg_error *error)
{
	static const char deleted[] = " (deleted)"; /* while an upgrade takes its place */
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char part[PATH_MAX];

	if (length < 0)
		return bg_error(error, -errno, "cannot tell where bindgate is installed: %s", strerror(errno));
	path[length] = '\0';
	if (length > (ssize_t)sizeof(deleted) && !strcmp(path + length - (sizeof(deleted) - 1), deleted))
		path[length - (ssize_t)(sizeof(deleted) - 1)] = '\0';
	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strrchr(part, '/'); slash; slash = strrchr(part, '/')) {
		if (!is_roots(part))
			return bg_error(
				error, -EPERM,
				"%.300s can be changed by others than root, who runs %.300s at each start of the "
				"service: install bindgate first (make install)",
				part, path);
		*slash = '\0';
		if (slash == part)
			break;
	}
	return 0;
}
