// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/pins_internal.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/file.h>
#include <fcntl.h>
#include <unistd.h>

const char *bg_pin_path(char path[static PIN_PATH_MAX], const char *dir, const char *format, ...)
{
	int used = snprintf(path, PIN_PATH_MAX, "%s/", dir);
	va_list args;

	va_start(args, format);
	if (used > 0 && used < PIN_PATH_MAX)
		vsnprintf(path + used, (size_t)(PIN_PATH_MAX - used), format, args);
	va_end(args);
	return path;
}

/* All names are read before the first is handed out: a directory that changes while it is read skips entries. */
int bg_pin_each(const char *dir, int (*each)(const char *name, void *arg), void *arg)
{
	struct dirent **names;
	int count = scandir(dir, &names, NULL, NULL), err = 0;

	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		if (!err && strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, ".."))
			err = each(names[i]->d_name, arg);
		free(names[i]);
	}
	free(names);
	return err;
}

int bg_pin_exists(const char *path)
{
	if (!access(path, F_OK))
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

int bg_pin_open(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0)
		return fd;
	/* EACCES: it is a directory; ELOOP: links to itself */
	return errno == EACCES || errno == ENOTDIR || errno == ELOOP ? -ENOENT : -errno;
}

int bg_pin_open_map(const char *path, enum bpf_map_type type, __u32 key_size, __u32 value_size)
{
	struct bpf_map_info map = { 0 };
	__u32 size = sizeof(map);
	int fd = bg_pin_open(path), err;

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &map, &size) ? -errno : 0;
	if (!err && map.type == type && map.key_size == key_size && map.value_size == value_size)
		return fd;
	close(fd);
	return err && err != -EINVAL ? err : -ENOENT; /* EINVAL: no map at all */
}

int bg_pin_replace(int fd, const char *path)
{
	char aside[PIN_PATH_MAX], dir[PIN_PATH_MAX];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	*slash = '\0';
	bg_pin_path(aside, dir, "new-%s", slash + 1);
	unlink(aside); /* what a killed process left */
	if (bpf_obj_pin(fd, aside))
		return -errno;
	if (rename(aside, path)) {
		int err = -errno;

		unlink(aside);
		return err;
	}
	return 0;
}

bool bg_pin_id(const char *name, const char *prefix, __u64 *id)
{
	size_t length = strlen(prefix);
	char *end;

	if (strncmp(name, prefix, length) || name[length] < '1' || name[length] > '9')
		return false;
	errno = 0;
	*id = strtoull(name + length, &end, 10);
	return !errno && *end == '\0';
}

int bg_pin_lock(const char *path)
{
	bool made = !mkdir(path, 0700);
	int fd, err;

	if (!made && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	else if (made) /* nobody can have locked it yet */
		rmdir(path);
	return err;
}
