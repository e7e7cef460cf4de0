// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/owner.h"

#include "cgroup/mount_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool others_may_write(const struct stat *st, __u32 *id, bool *is_group)
{
	*is_group = false;
	*id = (__u32)-1;
	if (st->st_mode & S_IWOTH)
		return true;
	*id = st->st_uid;
	if (st->st_uid != 0 && (st->st_mode & S_IWUSR))
		return true;
	*id = st->st_gid;
	*is_group = st->st_gid != 0 && (st->st_mode & S_IWGRP);
	return *is_group;
}

bool bg_cgroup_open_to_others(const struct bg_cgroup *cgroup, __u32 *id, bool *is_group)
{
	int dir = bg_cgroup_open(cgroup, NULL);
	struct stat st;
	bool open = dir >= 0 && !fstatat(dir, "cgroup.procs", &st, 0) && others_may_write(&st, id, is_group);

	if (dir >= 0)
		close(dir);
	return open;
}

/* Who owns a directory may also make it writable. 1, 0 or a negative errno. */
static int is_of_root(int dir)
{
	struct stat itself, procs;
	bool is_group;
	__u32 id;

	if (fstat(dir, &itself) || fstatat(dir, "cgroup.procs", &procs, 0))
		return -errno;
	return itself.st_uid == 0 && procs.st_uid == 0 && !others_may_write(&itself, &id, &is_group) &&
	       !others_may_write(&procs, &id, &is_group);
}

/* Up to the mount, whose id is `top`. Gives the id of the first root's own since the last that was not; untouched
 * where there is none. Takes `dir`. */
static int climb(int dir, __u64 top, __u64 *id)
{
	struct stat at;
	int of_root, up;

	for (;;) {
		of_root = fstat(dir, &at) ? -errno : is_of_root(dir);
		if (of_root < 0)
			break;
		*id = !of_root ? 0 : *id ? *id : at.st_ino;
		if (at.st_ino == top)
			break;
		up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (up < 0) {
			of_root = -errno;
			break;
		}
		close(dir);
		dir = up;
	}
	close(dir);
	return of_root < 0 ? of_root : 0;
}

int bg_cgroup_of_root(const struct bg_cgroup *cgroup, struct bg_cgroup *out, struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	int err = bg_cgroup_mounted(&mounted, error), dir;
	struct stat top;
	__u64 id = 0;

	if (err)
		return err;
	dir = bg_cgroup_open(cgroup, error);
	if (dir < 0)
		return dir;
	err = fstat(mounted->fd, &top) ? -errno : climb(dir, top.st_ino, &id);
	if (err)
		return bg_error(error, err, "cannot look at what is above %.350s: %s", cgroup->path, strerror(-err));
	if (!id)
		return bg_error(error, -EPERM, "%s is not root's own: chown it to root", mounted->path);
	return bg_cgroup_from_id(id, out, error);
}
