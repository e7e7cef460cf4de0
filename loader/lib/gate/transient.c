// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/transient_internal.h"

#include "gate/pins_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REMOVE_TRIES 200 /* of 5 ms: killed processes take a moment to leave their cgroup */

#define BORROWED "borrowed-"

static const char *lock_path(char path[static PIN_PATH_MAX], const struct bg_store *store, __u64 id, bool borrowed)
{
	return bg_pin_path(path, store->dir, "runs/%s%llu", borrowed ? BORROWED : "", id);
}

/* -EWOULDBLOCK: the process that it belongs to lives. */
static int lock_run(const struct bg_store *store, __u64 id, bool borrowed)
{
	char path[PIN_PATH_MAX];

	mkdir(bg_pin_path(path, store->dir, "runs"), 0700);
	return bg_pin_lock(lock_path(path, store, id, borrowed));
}

/* cgroup.kill is there since 5.14; before it, processes that outlive their command keep the cgroup. */
static void kill_all(const struct bg_cgroup *cgroup)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.kill", cgroup->path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		errno = 0; /* then the rmdir that follows fails, and says so */
	close(fd);
}

static int remove_cgroup(const struct bg_cgroup *cgroup)
{
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (!rmdir(cgroup->path) || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return -errno;
}

static int end(struct bg_store *store, const struct bg_cgroup *cgroup, bool borrowed, struct bg_error *error)
{
	char path[PIN_PATH_MAX];
	int err;

	if (!borrowed)
		kill_all(cgroup);
	err = bg_gate_detach(store, cgroup->id, error);
	if (err && err != -ENOENT)
		return err;
	err = borrowed ? 0 : remove_cgroup(cgroup);
	if (err)
		return bg_error(error, err, "cannot remove %s: %s", cgroup->path, strerror(-err));
	rmdir(lock_path(path, store, cgroup->id, borrowed));
	return 0;
}

/* Locked first, so that nobody finds a gate that belongs to nobody. */
static int lock_and_gate(struct bg_store *store, struct bg_transient *transient, const struct bg_policy *policy,
			 struct bg_error *error)
{
	char path[PIN_PATH_MAX];
	int err;

	transient->lock = lock_run(store, transient->cgroup.id, transient->borrowed);
	if (transient->lock < 0)
		return bg_error(error, transient->lock, "cannot lock %s/runs: %s", store->dir,
				strerror(-transient->lock));
	err = bg_gate_attach(store, &transient->cgroup, policy, BG_ATTACH_ONLY_NEW, error);
	if (err >= 0)
		return 0;
	rmdir(lock_path(path, store, transient->cgroup.id, transient->borrowed));
	close(transient->lock);
	return err;
}

int bg_transient_begin(struct bg_store *store, const struct bg_policy *policy, struct bg_transient *out,
		       struct bg_error *error)
{
	struct bg_transient transient = { .lock = -1 };
	char path[PATH_MAX + 32];
	struct bg_cgroup parent;
	int err = bg_cgroup_find("self", &parent, error);

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/bindgate-run-%d", parent.path, getpid());
	if (mkdir(path, 0755))
		return bg_error(error, -errno, "cannot make the cgroup %s: %s", path, strerror(errno));
	err = bg_cgroup_find(path, &transient.cgroup, error);
	if (!err)
		err = lock_and_gate(store, &transient, policy, error);
	if (err)
		rmdir(path);
	else
		*out = transient;
	return err;
}

int bg_transient_borrow(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_policy *policy,
			struct bg_transient *out, struct bg_error *error)
{
	struct bg_transient transient = { .cgroup = *cgroup, .borrowed = true };
	int err = lock_and_gate(store, &transient, policy, error);

	if (!err)
		*out = transient;
	return err;
}

int bg_transient_end(struct bg_store *store, struct bg_transient *transient, struct bg_error *error)
{
	int err = end(store, &transient->cgroup, transient->borrowed, error);

	close(transient->lock);
	transient->lock = -1;
	return err;
}

static int sweep(const char *name, void *arg)
{
	struct bg_store *store = arg;
	struct bg_cgroup cgroup;
	char path[PIN_PATH_MAX];
	bool borrowed;
	__u64 id;
	int lock;

	borrowed = bg_pin_id(name, BORROWED, &id);
	if (!borrowed && !bg_pin_id(name, "", &id))
		return 0;
	lock = lock_run(store, id, borrowed);
	if (lock < 0)
		return 0;
	if (bg_cgroup_from_id(id, &cgroup, NULL))
		rmdir(lock_path(path, store, id, borrowed));
	else
		end(store, &cgroup, borrowed, NULL);
	close(lock);
	return 0;
}

void bg_transient_sweep(struct bg_store *store)
{
	char runs[PIN_PATH_MAX];

	bg_pin_each(bg_pin_path(runs, store->dir, "runs"), sweep, store);
}
