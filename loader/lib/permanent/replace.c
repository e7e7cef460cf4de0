// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "permanent/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4 << 20) /* bytes, as of a declaration */

int bg_read_file(const char *path, char **text, struct bg_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err = 0;
	size_t used = 0;
	ssize_t got = 1;
	struct stat st;
	char *room;

	if (fd < 0)
		return bg_error(error, -errno, "cannot read %.512s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_size > FILE_MAX)
		err = -EFBIG;
	room = err ? NULL : malloc((size_t)st.st_size + 1);
	if (!err && !room)
		err = -ENOMEM;
	while (!err && got > 0 && used < (size_t)st.st_size) {
		got = read(fd, room + used, (size_t)st.st_size - used);
		err = got < 0 ? -errno : 0;
		used += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (err) {
		free(room);
		return bg_error(error, err, "cannot read %.512s: %s", path, strerror(-err));
	}
	room[used] = '\0';
	*text = room;
	return 0;
}

static void folder_of(const char *path, char folder[static PATH_MAX])
{
	snprintf(folder, PATH_MAX, "%s", path);
	*strrchr(folder, '/') = '\0';
}

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

static int write_aside(const char *aside, const char *text)
{
	size_t length = strlen(text), done = 0;
	int fd, err = 0;

	if (unlink(aside) && errno != ENOENT) /* what a killed process left */
		return -errno;
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	while (!err && done < length) {
		ssize_t put = write(fd, text + done, length - done);

		err = put < 0 ? -errno : 0;
		done += put > 0 ? (size_t)put : 0;
	}
	if (!err && (fchmod(fd, 0644) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* Its folder, and that one's parent. */
static int make_folder(const char *folder, bool *made)
{
	char parent[PATH_MAX];

	folder_of(folder, parent);
	if (mkdir(folder, 0755) == 0) {
		*made = true;
		return sync_folder(parent);
	}
	if (errno == ENOENT && (mkdir(parent, 0755) == 0 || errno == EEXIST) && mkdir(folder, 0755) == 0) {
		*made = true;
		return sync_folder(parent);
	}
	return errno == EEXIST ? 0 : -errno;
}

static int put(const char *path, const char *folder, const char *text, bool *made)
{
	char aside[PATH_MAX + 8];
	int err = make_folder(folder, made);

	/* neither systemd, which takes *.conf, nor bindgated, which takes *.yaml, reads it */
	snprintf(aside, sizeof(aside), "%s.new", path);
	if (!err)
		err = write_aside(aside, text);
	if (!err && rename(aside, path))
		err = -errno;
	if (!err)
		return sync_folder(folder);
	unlink(aside);
	if (*made)
		rmdir(folder);
	return err;
}

static int take_away(const char *path, const char *folder)
{
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	if (strstr(folder, ".service.d") && rmdir(folder) == 0) /* bindgated's stays: it watches it */
		return 0;
	return sync_folder(folder);
}

int bg_replace(const char *path, const char *text, struct bg_replaced *undo, struct bg_error *error)
{
	struct bg_replaced done = { 0 };
	char folder[PATH_MAX];
	int err;

	folder_of(path, folder);
	snprintf(done.path, sizeof(done.path), "%s", path);
	err = bg_read_file(path, &done.before, error);
	if (err && err != -ENOENT)
		return err;
	err = text ? put(path, folder, text, &done.made_folder) : take_away(path, folder);
	if (err) {
		free(done.before);
		return bg_error(error, err, "cannot %s %.512s: %s", text ? "write" : "remove", path, strerror(-err));
	}
	*undo = done;
	return 0;
}

void bg_replace_undo(struct bg_replaced *undo)
{
	char folder[PATH_MAX];
	bool made = false;

	if (!*undo->path)
		return;
	folder_of(undo->path, folder);
	if (undo->before)
		put(undo->path, folder, undo->before, &made);
	else
		unlink(undo->path);
	if (undo->made_folder)
		rmdir(folder);
	bg_replace_keep(undo);
}

void bg_replace_keep(struct bg_replaced *undo)
{
	free(undo->before);
	*undo = (struct bg_replaced){ 0 };
}
