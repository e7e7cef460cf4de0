// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/mount_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP_DIR "/sys/fs/cgroup"

/* One line of mountinfo; the strings are the line's own. */
struct mount {
	unsigned int id;
	char *root;
	char *path;
	char *type;
};

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks, newlines and backslashes are written as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static bool parse_mount(char *line, struct mount *out)
{
	char *fields[6], *type;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i])
			return false;
	}
	/* Optional fields, of any number, end with a lone dash. */
	do {
		type = strsep(&line, " ");
		if (!type)
			return false;
	} while (strcmp(type, "-"));
	type = strsep(&line, " ");
	if (!type)
		return false;
	*out = (struct mount){
		.id = (unsigned int)strtoul(fields[0], NULL, 10),
		.root = fields[3],
		.path = fields[4],
		.type = type,
	};
	unescape(out->root);
	unescape(out->path);
	return true;
}

/* Calls `each` for every mount until it returns something other than 0. */
static int each_mount(int (*each)(const struct mount *mount, void *arg), void *arg)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int result = 0;

	if (!file)
		return -errno;
	while (result == 0 && (length = getline(&line, &size, file)) > 0) {
		struct mount mount;

		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (parse_mount(line, &mount))
			result = each(&mount, arg);
	}
	if (result == 0 && ferror(file))
		result = -errno;
	free(line);
	fclose(file);
	return result;
}

int bg_cgroup_is_v2(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Is it this mount that the fd led to, and not one that has been laid over it? 1, 0 or a negative errno. */
static int is_mount(int fd, const struct mount *mount)
{
	struct statx stat;
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return -errno;
	if ((unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stat) || !(stat.stx_mask & STATX_MNT_ID))
		return 1; /* before 5.8 */
	return stat.stx_mnt_id == mount->id;
}

static int choose(const struct mount *mount, void *arg)
{
	struct bg_cgroup_mounted *best = arg;
	int fd, err;

	if (strcmp(mount->type, "cgroup2") || strlen(mount->path) >= PATH_MAX || strlen(mount->root) >= PATH_MAX)
		return 0;
	if (best->fd >= 0 && strcmp(mount->root, "/"))
		return 0;
	fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : is_mount(fd, mount);
	if (err <= 0) {
		if (fd >= 0)
			close(fd);
		if (err < 0) /* one that is covered, or one that cannot be looked at: another may do */
			best->error = err;
		return 0;
	}
	if (best->fd >= 0)
		close(best->fd);
	best->fd = fd;
	strcpy(best->path, mount->path);
	strcpy(best->root, mount->root);
	return !strcmp(mount->root, "/");
}

int bg_cgroup_mounted(const struct bg_cgroup_mounted **out, struct bg_error *error)
{
	static struct bg_cgroup_mounted mounted = { .fd = -1 };
	int err = mounted.fd < 0 ? each_mount(choose, &mounted) : 0;

	if (mounted.fd < 0 && err >= 0 && mounted.error != -ENOENT && mounted.error != -ENOTDIR)
		err = mounted.error;
	if (err < 0)
		return bg_error(error, err, "cannot tell where cgroup v2 is mounted: %s", strerror(-err));
	if (mounted.fd < 0)
		return bg_error(error, -ENOENT, "cgroup v2 is not mounted: mount -t cgroup2 cgroup2 " CGROUP_DIR);
	*out = &mounted;
	return 0;
}

int bg_cgroup_mount(const char **path, struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	int err = bg_cgroup_mounted(&mounted, error);

	if (!err)
		*path = mounted->path;
	return err;
}

const char *bg_path_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	if (length == 1) /* "/" */
		length = 0;
	if (strncmp(path, dir, length) || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return path + length;
}

struct v1_search {
	const char *path;
	const char *below;
	size_t length;
};

static int find_v1(const struct mount *mount, void *arg)
{
	struct v1_search *search = arg;
	const char *below = bg_path_below(search->path, mount->path);

	if (!strcmp(mount->type, "cgroup") && below && strlen(mount->path) >= search->length) {
		search->length = strlen(mount->path);
		search->below = below;
	}
	return 0;
}

/* The path without links, as far as it exists: /sys/fs/cgroup/cpu may be one. */
static void resolve(const char *path, char out[static PATH_MAX])
{
	char parent[PATH_MAX], real[PATH_MAX], *slash;
	int length;

	if (realpath(path, out))
		return;
	snprintf(out, PATH_MAX, "%s", path);
	snprintf(parent, sizeof(parent), "%s", path);
	while ((slash = strrchr(parent, '/')) && slash > parent) {
		*slash = '\0';
		if (!realpath(parent, real))
			continue;
		length = snprintf(out, PATH_MAX, "%s%s", real, path + (slash - parent));
		if (length >= PATH_MAX)
			snprintf(out, PATH_MAX, "%s", path);
		return;
	}
}

bool bg_cgroup_meant(const char *path, char meant[static PATH_MAX], bool *is_v1)
{
	const struct bg_cgroup_mounted *mounted;
	char real[PATH_MAX];
	struct v1_search v1 = { .path = real };
	const char *tries[4];
	size_t count = 0;

	*is_v1 = false;
	if (bg_cgroup_mounted(&mounted, NULL))
		return false;
	resolve(path, real);
	each_mount(find_v1, &v1);
	*is_v1 = v1.below;
	tries[count++] = v1.below;
	tries[count++] = bg_path_below(real, CGROUP_DIR "/unified");
	tries[count++] = bg_path_below(real, CGROUP_DIR);
	tries[count++] = v1.below ? NULL : real;
	for (size_t i = 0; i < count; i++) {
		if (!tries[i])
			continue;
		int length = snprintf(meant, PATH_MAX, "%s%s", mounted->path, tries[i]);

		while (length > 1 && length < PATH_MAX && meant[length - 1] == '/')
			meant[--length] = '\0';
		if (length < PATH_MAX && bg_cgroup_is_v2(meant) > 0)
			return true;
	}
	return false;
}
