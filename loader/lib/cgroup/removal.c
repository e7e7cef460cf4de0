// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup/removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_EVERY_MS 100

int bg_cgroup_kill(int dir)
{
	int fd = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	if (write(fd, "1", 1) != 1 && errno != ENODEV)
		err = -errno;
	close(fd);
	return err;
}

/* 1, 0 or a negative errno. */
static int is_populated(int events)
{
	char text[256];
	ssize_t length = pread(events, text, sizeof(text) - 1, 0);

	if (length < 0)
		return errno == ENODEV ? 0 : -errno;
	text[length] = '\0';
	return strstr(text, "populated 1") != NULL;
}

int bg_cgroup_await_empty(int dir, int timeout_ms)
{
	struct pollfd change = { .fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC), .events = POLLPRI };
	int populated;

	if (change.fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	while ((populated = is_populated(change.fd)) > 0 && timeout_ms > 0) {
		poll(&change, 1, LOOK_EVERY_MS);
		timeout_ms -= LOOK_EVERY_MS;
	}
	close(change.fd);
	return populated > 0 ? -ETIMEDOUT : populated;
}

/* The name of a cgroup right below. 1; 0: there is none; or a negative errno. */
static int find_below(int dir, char name[static NAME_MAX + 1])
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!stream) {
		found = errno == ENOENT ? 0 : -errno;
		if (fd >= 0)
			close(fd);
		return found;
	}
	while (!found && (entry = readdir(stream))) {
		found = entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
		if (found)
			strcpy(name, entry->d_name);
	}
	closedir(stream);
	return found;
}

static int remove_name(int parent, const char *name)
{
	return unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT ? -errno : 0;
}

/* Goes down as far as that leads and removes what it comes to: 1; 0: nothing is below; or a negative errno. Two
 * descriptors do, however deep it is. */
static int remove_deepest(int dir)
{
	char name[NAME_MAX + 1], below[NAME_MAX + 1];
	int parent = fcntl(dir, F_DUPFD_CLOEXEC, 0), found = parent < 0 ? -errno : find_below(parent, name), child;

	while (found > 0) {
		child = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		found = child < 0 ? -errno : find_below(child, below);
		if (found <= 0) {
			if (child >= 0)
				close(child);
			if (!found || found == -ENOENT)
				found = remove_name(parent, name) ?: 1;
			break;
		}
		close(parent);
		parent = child;
		strcpy(name, below);
	}
	if (parent >= 0)
		close(parent);
	return found;
}

/* By its name above, if that is not another's by now. */
static int remove_itself(int dir)
{
	char link[32], named_by[PATH_MAX] = "";
	struct stat at, named;
	int parent, err = 0;
	const char *name;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	if (fstat(dir, &at) || readlink(link, named_by, sizeof(named_by) - 1) < 0)
		return -errno;
	parent = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return errno == ENOENT ? 0 : -errno;
	name = strrchr(named_by, '/');
	if (!name || fstatat(parent, name + 1, &named, AT_SYMLINK_NOFOLLOW))
		err = name && errno != ENOENT ? -errno : 0;
	else if (named.st_ino == at.st_ino)
		err = remove_name(parent, name + 1);
	close(parent);
	return err;
}

int bg_cgroup_remove(int dir)
{
	int removed;

	do
		removed = remove_deepest(dir);
	while (removed > 0);
	return removed ? removed : remove_itself(dir);
}
