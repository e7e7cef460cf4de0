// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/links_internal.h"

#include "gate/pins_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const bg_hook_names[BG_HOOKS] = { "bind4", "bind6" };
static const enum bpf_attach_type hook_types[BG_HOOKS] = { BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND };

/* 1, 0 or a negative errno. EINVAL: what is pinned there is no link. */
static int link_is_attached(const char *path, int hook, __u64 id)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	int link = bg_pin_open(path), err;

	if (link < 0)
		return link == -ENOENT ? 0 : link;
	err = bpf_obj_get_info_by_fd(link, &info, &size) ? -errno : 0;
	close(link);
	if (err)
		return err == -EINVAL ? 0 : err;
	return info.type == BPF_LINK_TYPE_CGROUP && info.cgroup.cgroup_id == id &&
	       info.cgroup.attach_type == hook_types[hook];
}

int bg_links_whole(const char *dir, __u64 id)
{
	char path[PIN_PATH_MAX];
	int attached = 1;

	for (int hook = 0; hook < BG_HOOKS && attached > 0; hook++)
		attached = link_is_attached(bg_pin_path(path, dir, "%s", bg_hook_names[hook]), hook, id);
	return attached;
}

static int attach_failed(int err, const char *path, struct bg_error *error)
{
	switch (err) {
	case -E2BIG:
		return bg_error(error, err,
				"%s has 64 programs on its bind hooks already, the most that the kernel allows: "
				"detach some (bpftool cgroup show %s)",
				path, path);
	case -EPERM:
		return bg_error(error, err,
				"%s: another program holds the bind hooks for itself, here or in a cgroup above "
				"(attached without BPF_F_ALLOW_MULTI): find it with bpftool cgroup tree",
				path);
	default:
		return bg_error(error, err, "cannot attach to %s: %s", path, strerror(-err));
	}
}

static int make_link(const char *pin, int cgroup, const char *cgroup_path, int program, enum bpf_attach_type type,
		     struct bg_error *error)
{
	int link = bpf_link_create(program, cgroup, type, NULL), err = 0;

	if (link < 0)
		return attach_failed(-errno, cgroup_path, error);
	if (bpf_obj_pin(link, pin))
		err = bg_error(error, -errno, "cannot pin a link at %s: %s", pin, strerror(errno));
	if (err)
		bpf_link_detach(link);
	close(link);
	return err;
}

/* Detaches before it unlinks: only so has the program run for the last time when this returns (seen up to 6.18). */
static int remove_link(const char *pin)
{
	int link = bpf_obj_get(pin);

	if (link >= 0) {
		bpf_link_detach(link); /* fails on one whose cgroup is gone: detached already */
		close(link);
	}
	return unlink(pin) && errno != ENOENT ? -errno : 0;
}

int bg_links_make(const char *dir, const struct bg_cgroup *cgroup, const int programs[BG_HOOKS],
		  struct bg_error *error)
{
	char pins[BG_HOOKS][PIN_PATH_MAX];
	bool made[BG_HOOKS] = { false };
	int fd = bg_cgroup_open(cgroup, error), err = 0, count = 0;

	if (fd < 0)
		return fd;
	for (int hook = 0; hook < BG_HOOKS && !err; hook++) {
		int attached =
			link_is_attached(bg_pin_path(pins[hook], dir, "%s", bg_hook_names[hook]), hook, cgroup->id);

		if (attached < 0)
			err = bg_error(error, attached, "cannot read %s: %s", pins[hook], strerror(-attached));
		if (attached)
			continue;
		remove_link(pins[hook]);
		err = make_link(pins[hook], fd, cgroup->path, programs[hook], hook_types[hook], error);
		made[hook] = !err;
		count += !err;
	}
	for (int hook = 0; hook < BG_HOOKS && err; hook++)
		if (made[hook])
			remove_link(pins[hook]);
	close(fd);
	return err ? err : count;
}

int bg_links_update(const char *dir, const int programs[BG_HOOKS], struct bg_error *error)
{
	char path[PIN_PATH_MAX];

	for (int hook = 0; hook < BG_HOOKS; hook++) {
		int link = bg_pin_open(bg_pin_path(path, dir, "%s", bg_hook_names[hook]));
		int err = link < 0 ? link : 0;

		if (err == -ENOENT)
			continue;
		if (!err && bpf_link_update(link, programs[hook], NULL))
			err = -errno;
		if (link >= 0)
			close(link);
		if (err && err != -ENOLINK) /* its cgroup is gone */
			return bg_error(error, err, "cannot put the new program behind %s: %s", path,
					strerror(-err));
	}
	return 0;
}

int bg_links_remove(const char *dir, struct bg_error *error)
{
	char path[PIN_PATH_MAX];
	int err = 0;

	for (int hook = 0; hook < BG_HOOKS; hook++) {
		int failed = remove_link(bg_pin_path(path, dir, "%s", bg_hook_names[hook]));

		if (failed && !err)
			err = bg_error(error, failed, "cannot remove %s: %s", path, strerror(-failed));
	}
	if (err)
		return err;
	if (rmdir(dir) && errno != ENOENT)
		return bg_error(error, -errno, "cannot remove %s: %s%s", dir, strerror(errno),
				errno == ENOTEMPTY ? "; bindgate did not make what is in there: take it out by hand"
						   : "");
	return 0;
}
