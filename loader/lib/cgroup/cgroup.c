// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/cgroup.h"

#include "cgroup/mount_internal.h"
#include "cgroup/unit.h"
#include "cgroup/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FILEID_KERNFS 0xfe
#define PID_MAX 4194304
#define SHOWN "%.350s" /* of a path, so that the rest of the line fits too */

/* id, path and name of an open directory; fails where it is not seen below `mounted`. */
static int describe(int fd, const struct bg_cgroup_mounted *mounted, struct bg_cgroup *out)
{
	struct bg_cgroup cgroup = { 0 };
	struct stat opened, named;
	char link[32];
	const char *below;
	int err;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fstat(fd, &opened) || readlink(link, cgroup.path, sizeof(cgroup.path) - 1) < 0)
		return -errno;
	cgroup.id = opened.st_ino;
	below = bg_path_below(cgroup.path, mounted->path);
	if (!below)
		return -EXDEV;
	err = stat(cgroup.path, &named) ? -errno : 0;
	if (err && err != -ENOENT)
		return err;
	if (err || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev)
		return -ESTALE; /* a removed one's path ends in " (deleted)" */
	strcpy(cgroup.name, *below ? below : "/");
	*out = cgroup;
	return 0;
}

/* An fd or a negative errno; -ESTALE: there is no such cgroup any more. */
static int open_id(const struct bg_cgroup_mounted *mounted, __u64 id, int how)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} at = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	int fd;

	memcpy(at.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mounted->fd, &at.handle, how | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOTDIR ? -ESTALE : -errno; /* the files in a cgroup have ids of the same kind */
}

int bg_cgroup_from_id(__u64 id, struct bg_cgroup *out, struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	int err = bg_cgroup_mounted(&mounted, error), fd;

	if (err)
		return err;
	fd = open_id(mounted, id, O_PATH);
	err = fd < 0 ? fd : describe(fd, mounted, out);
	if (fd >= 0)
		close(fd);
	switch (err) {
	case 0:
		return 0;
	case -ESTALE:
		return bg_error(error, err, "no cgroup has the id %llu any more", id);
	case -EXDEV:
		return bg_error(error, err, "the cgroup with id %llu is outside of what is mounted at %s", id,
				mounted->path);
	case -EPERM:
		return bg_error(error, err, "may not look up a cgroup by its id: run as root (CAP_DAC_READ_SEARCH)");
	default:
		return bg_error(error, err, "cannot look up the cgroup with id %llu: %s", id, strerror(-err));
	}
}

/* The caller may remove what belongs to a cgroup that is gone. In doubt, say that it is there. */
bool bg_cgroup_exists(__u64 id)
{
	const struct bg_cgroup_mounted *mounted;
	int fd;

	if (bg_cgroup_mounted(&mounted, NULL))
		return true;
	fd = open_id(mounted, id, O_PATH);
	if (fd >= 0)
		close(fd);
	return fd != -ESTALE;
}

int bg_cgroup_open(const struct bg_cgroup *cgroup, struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	int err = bg_cgroup_mounted(&mounted, error), fd;

	if (err)
		return err;
	fd = open_id(mounted, cgroup->id, O_RDONLY);
	if (fd >= 0)
		return fd;
	if (fd == -ESTALE)
		return bg_error(error, fd, SHOWN " has been removed meanwhile", cgroup->path);
	return bg_error(error, fd, "cannot open the cgroup " SHOWN ": %s", cgroup->path, strerror(-fd));
}

static int not_v2(const char *path, const struct bg_cgroup_mounted *mounted, struct bg_error *error)
{
	char meant[PATH_MAX];
	bool is_v1, known = bg_cgroup_meant(path, meant, &is_v1);
	const char *what =
		is_v1 ? "is a cgroup v1 directory; bindgate needs cgroup v2" : "is not a cgroup v2 directory";

	if (known)
		return bg_error(error, -EINVAL, SHOWN " %s: did you mean " SHOWN "?", path, what, meant);
	return bg_error(error, -EINVAL, SHOWN " %s, which is mounted at %s", path,
			is_v1 ? what : "is not in cgroup v2", mounted->path);
}

static int not_found(const char *path, const struct bg_cgroup_mounted *mounted, struct bg_error *error)
{
	char meant[PATH_MAX];
	bool is_v1;

	if (bg_cgroup_meant(path, meant, &is_v1) && strcmp(meant, path))
		return bg_error(error, -ENOENT, "no such cgroup: " SHOWN ": did you mean " SHOWN "?", path, meant);
	if (bg_path_below(path, mounted->path))
		return bg_error(error, -ENOENT, "no such cgroup: " SHOWN " (mkdir makes one)", path);
	return bg_error(error, -ENOENT, "no such cgroup: " SHOWN " (cgroup v2 is mounted at %s)", path,
			mounted->path);
}

static int not_directory(const char *path, struct bg_error *error)
{
	char parent[PATH_MAX], *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash && slash > parent)
		*slash = '\0';
	if (bg_cgroup_is_v2(path) > 0 && bg_cgroup_is_v2(parent) > 0)
		return bg_error(error, -EINVAL, SHOWN " is a file: name the cgroup's directory, " SHOWN, path,
				parent);
	return bg_error(error, -EINVAL, SHOWN " is not a directory, let alone one of cgroup v2", path);
}

static int find_path(const char *path, const struct bg_cgroup_mounted *mounted, struct bg_cgroup *out,
		     struct bg_error *error)
{
	struct statfs fs;
	struct stat st;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			return not_found(path, mounted, error);
		if (err == -ENOTDIR)
			return not_directory(path, error);
		return bg_error(error, err, "cannot open the cgroup " SHOWN ": %s", path, strerror(-err));
	}
	if (fstatfs(fd, &fs)) {
		err = bg_error(error, -errno, "cannot look at " SHOWN ": %s", path, strerror(errno));
		close(fd);
		return err;
	}
	if ((unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return not_v2(path, mounted, error);
	}
	err = describe(fd, mounted, out);
	if (err == -EXDEV && !fstat(fd, &st)) { /* through another mount of the same tree */
		close(fd);
		return bg_cgroup_from_id(st.st_ino, out, error);
	}
	close(fd);
	if (err == -ESTALE)
		return bg_error(error, -ENOENT, "no such cgroup: " SHOWN ": it has just been removed", path);
	return err ? bg_error(error, err, "cannot read the cgroup " SHOWN ": %s", path, strerror(-err)) : 0;
}

/* The cgroup v2 line of /proc/PID/cgroup. */
static int read_process(const char *pid, char path[static PATH_MAX], struct bg_error *error)
{
	char file[32], *line = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *stream;
	int err;

	snprintf(file, sizeof(file), "/proc/%s/cgroup", pid);
	stream = fopen(file, "re");
	if (!stream && errno == ENOENT)
		return bg_error(error, -ENOENT, "there is no process %s", pid);
	if (!stream)
		return bg_error(error, -errno, "cannot read %s: %s", file, strerror(errno));
	err = bg_error(error, -EINVAL, "process %s is in no cgroup v2", pid);
	while (err == -EINVAL && (length = getline(&line, &size, stream)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (strncmp(line, "0::/", 4))
			continue;
		err = strlen(line + 3) < PATH_MAX
			      ? 0
			      : bg_error(error, -ENAMETOOLONG, "the path in %s is too long", file);
		if (!err)
			strcpy(path, line + 3);
	}
	if (err == -EINVAL && ferror(stream)) /* it ended while it was looked at */
		err = bg_error(error, -ENOENT, "there is no process %s", pid);
	free(line);
	fclose(stream);
	return err;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length >= size && !strcmp(text + length - size, end);
}

static int find_process(const char *pid, const struct bg_cgroup_mounted *mounted, struct bg_cgroup *out,
			struct bg_error *error)
{
	char inside[PATH_MAX], path[PATH_MAX];
	const char *below;
	int err = read_process(pid, inside, error);

	if (err)
		return err;
	if (bg_path_below(inside, "/.."))
		return bg_error(error, -ENOENT,
				"process %s is in a cgroup outside of this cgroup namespace, " SHOWN ": run "
				"bindgate outside too",
				pid, inside);
	below = bg_path_below(inside, mounted->root);
	if (!below)
		return bg_error(error, -ENOENT,
				"process %s is in the cgroup " SHOWN ", outside of what is mounted at %s", pid,
				inside, mounted->path);
	if (snprintf(path, sizeof(path), "%s%s", mounted->path, below) >= (int)sizeof(path))
		return bg_error(error, -ENAMETOOLONG, "the path of process %s's cgroup is too long", pid);
	if (ends_with(inside, " (deleted)") && access(path, F_OK))
		return bg_error(error, -ENOENT, "process %s is in a cgroup that has been removed, " SHOWN, pid,
				inside);
	return find_path(path, mounted, out, error);
}

static int find_pid(const char *text, const struct bg_cgroup_mounted *mounted, struct bg_cgroup *out,
		    struct bg_error *error)
{
	size_t length = strlen(text);
	char pid[16];

	if (!length || strspn(text, "0123456789") != length || length > 7 || atol(text) < 1 || atol(text) > PID_MAX)
		return bg_error(error, -EINVAL, "pid:%.20s names no process: a pid is a number from 1 to %d", text,
				PID_MAX);
	snprintf(pid, sizeof(pid), "%ld", atol(text));
	return find_process(pid, mounted, out, error);
}

/* Relative to the mount; what begins with a dot to the working directory, as in every other command. */
static int make_absolute(const char *text, const struct bg_cgroup_mounted *mounted, char path[static PATH_MAX],
			 struct bg_error *error)
{
	bool is_here =
		!strcmp(text, ".") || !strcmp(text, "..") || !strncmp(text, "./", 2) || !strncmp(text, "../", 3);
	char here[PATH_MAX] = "";
	int length, is_v2;

	if (is_here && !getcwd(here, sizeof(here)))
		return bg_error(error, -errno, "cannot tell the working directory: %s", strerror(errno));
	if (text[0] == '/') {
		/* A name as bindgate prints it: below the mount, unless the path exists as it stands. */
		length = snprintf(path, PATH_MAX, "%s%s", mounted->path, text);
		is_v2 = bg_cgroup_is_v2(text);
		if (is_v2 <= 0 && length < PATH_MAX) {
			int below = bg_cgroup_is_v2(path);

			if (below > 0)
				return 0;
			is_v2 = below < 0 ? below : is_v2;
		}
		if (is_v2 < 0)
			return bg_error(error, is_v2, "cannot look at " SHOWN ": %s", text, strerror(-is_v2));
		length = snprintf(path, PATH_MAX, "%s", text);
	} else {
		length = snprintf(path, PATH_MAX, "%s/%s", is_here ? here : mounted->path, text);
	}
	if (length >= PATH_MAX)
		return bg_error(error, -ENAMETOOLONG, "%.40s… is too long for a path", text);
	return 0;
}

static int find_user(const char *user, const struct bg_cgroup_mounted *mounted, struct bg_cgroup *out,
		     struct bg_error *error)
{
	char name[PATH_MAX], path[PATH_MAX];
	int err = bg_cgroup_of_user(user, name, error);

	if (err)
		return err;
	if (snprintf(path, sizeof(path), "%s%s", mounted->path, name) >= (int)sizeof(path))
		return bg_error(error, -ENAMETOOLONG, "%.40s… is too long for a path", mounted->path);
	if (access(path, F_OK) && errno == ENOENT)
		return bg_error(error, -ENOENT, "%.64s is not logged in: no cgroup " SHOWN, user, path);
	return find_path(path, mounted, out, error);
}

int bg_cgroup_find(const char *text, struct bg_cgroup *out, struct bg_error *error)
{
	const struct bg_cgroup_mounted *mounted;
	char path[PATH_MAX];
	int err;

	if (!*text)
		return bg_error(error, -EINVAL, "the name of the cgroup is empty");
	if (strlen(text) >= PATH_MAX)
		return bg_error(error, -ENAMETOOLONG, "%.40s… is too long for a path", text);
	err = bg_cgroup_mounted(&mounted, error);
	if (err)
		return err;
	if (!strcmp(text, "self"))
		return find_process("self", mounted, out, error);
	if (!strncmp(text, "pid:", 4))
		return find_pid(text + 4, mounted, out, error);
	if (!strncmp(text, "user:", 5))
		return find_user(text + 5, mounted, out, error);
	err = !strncmp(text, "unit:", 5) ? bg_cgroup_of_unit(text + 5, path, error)
					 : make_absolute(text, mounted, path, error);
	err = err ? err : find_path(path, mounted, out, error);
	if (err == -ENOENT && !strchr(text, '/') && !strchr(text, ':') && !bg_cgroup_of_unit(text, path, NULL))
		bg_error(error, err, "no such cgroup: %.100s: did you mean unit:%.100s?", text, text);
	return err;
}
