// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/place.h"

#include "cgroup/mount.h"
#include "cgroup/owner.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool bg_place_has_systemd(void)
{
	return !access("/run/systemd/system", F_OK);
}

/* 1: programs are on its bind hooks; 0; or a negative errno. */
static int has_gate(int dir)
{
	static const enum bpf_attach_type types[] = { BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		__u32 count = 0;

		if (bpf_prog_query(dir, types[i], 0, NULL, NULL, &count) && errno != ENOSPC)
			return -errno;
		if (count)
			return 1;
	}
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length >= size && !strcmp(text + length - size, end);
}

static bool is_limit(const char *file)
{
	return ends_with(file, ".max") || !strcmp(file, "memory.high") || !strcmp(file, "cpuset.cpus");
}

/* Where nothing is limited, such a file is empty, says max, or (hugetlb's) a number near 2^63. One that is another user's
 * holds nobody: they may lift it. */
static bool limits(int dir, const char *file)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	struct stat st;
	bool yes;

	if (fd < 0)
		return false;
	yes = !fstat(fd, &st) && st.st_uid == 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	      isdigit((unsigned char)text[0]) && strtoull(text, NULL, 10) < 1ULL << 62;
	close(fd);
	return yes;
}

/* 1: `what` limits it; 0; or a negative errno. */
static int has_limit(int dir, char what[static NAME_MAX + 1])
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool found = false;

	if (!stream) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!found && (entry = readdir(stream))) {
		found = is_limit(entry->d_name) && limits(dir, entry->d_name);
		if (found)
			strcpy(what, entry->d_name);
	}
	closedir(stream);
	return found;
}

static int refuse(const struct bg_place *place, __u64 id, const char *what, struct bg_error *error)
{
	struct bg_cgroup lost;
	char way[PATH_MAX] = "systemd-run --scope bindgate run …";
	const char *mount;

	if (bg_cgroup_from_id(id, &lost, error))
		return -EPERM;
	if (!bg_place_has_systemd() && !bg_cgroup_mount(&mount, NULL))
		snprintf(way, sizeof(way), "leave it first, by echo $$ >%s/cgroup.procs", mount);
	return bg_error(
		error, -EPERM,
		"%.200s is in another user's hands, who could take the command out of its gate, and outside, in "
		"%.200s, the %s of %.200s would not hold: %.200s",
		place->caller.name, place->cgroup.name, what, lost.name, way);
}

/* What is on the way from the caller's cgroup to the place has to hold there too. Takes `dir`. */
static int check_way(const struct bg_place *place, int dir, struct bg_error *error)
{
	char what[NAME_MAX + 1] = "gate";
	struct stat at;
	int found = 0, up;

	while (!found) {
		found = fstat(dir, &at) ? -errno : 0;
		if (found || at.st_ino == place->cgroup.id)
			break;
		found = has_gate(dir);
		if (!found)
			found = has_limit(dir, what);
		up = found ? -1 : openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (!found && up < 0)
			found = -errno;
		if (up >= 0) {
			close(dir);
			dir = up;
		}
	}
	close(dir);
	if (found < 0)
		return bg_error(error, found, "cannot look at what is above %.350s: %s", place->caller.path,
				strerror(-found));
	return found ? refuse(place, at.st_ino, what, error) : 0;
}

int bg_place_find(struct bg_place *out, struct bg_error *error)
{
	int err = bg_cgroup_find("self", &out->caller, error), dir;

	if (!err)
		err = bg_cgroup_of_root(&out->caller, &out->cgroup, error);
	if (err)
		return err;
	dir = bg_cgroup_open(&out->caller, error);
	return dir < 0 ? dir : check_way(out, dir, error);
}
