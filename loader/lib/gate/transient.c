// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/transient_internal.h"

#include "cgroup/removal.h"
#include "gate/pins_internal.h"
#include "gate/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DYING_MS 10000

#define BORROWED "borrowed-"

static const char *lock_path(char path[static PIN_PATH_MAX], const char *pin_dir, __u64 id, bool borrowed)
{
	return bg_pin_path(path, pin_dir, "runs/%s%llu", borrowed ? BORROWED : "", id);
}

/* -EWOULDBLOCK: the process that it belongs to lives. */
static int lock_run(const struct bg_store *store, __u64 id, bool borrowed)
{
	char path[PIN_PATH_MAX];

	mkdir(bg_pin_path(path, store->dir, "runs"), 0700);
	return bg_pin_lock(lock_path(path, store->dir, id, borrowed));
}

static bool is_borrowed(const struct bg_transient *transient)
{
	return transient->dir < 0;
}

/* Locked before it is gated: a gate without a locked run would be swept away as left behind. */
static int lock_and_gate(struct bg_store *store, struct bg_transient *transient, const struct bg_policy *policy,
			 struct bg_error *error)
{
	bool borrowed = is_borrowed(transient);
	char path[PIN_PATH_MAX];
	int err;

	transient->lock = lock_run(store, transient->cgroup.id, borrowed);
	if (transient->lock < 0)
		return bg_error(error, transient->lock, "cannot lock %s/runs: %s", store->dir,
				strerror(-transient->lock));
	err = bg_gate_attach(store, &transient->cgroup, policy, BG_ATTACH_ONLY_NEW, error);
	if (err >= 0)
		return 0;
	rmdir(lock_path(path, store->dir, transient->cgroup.id, borrowed));
	close(transient->lock);
	return err;
}

/* The directory that has just been made; nobody else's, whatever has been done to the name since. */
static int open_made(int parent, const char *name, struct bg_cgroup *out, struct bg_error *error)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err;
	struct stat st;

	if (dir < 0)
		return bg_error(error, -errno, "cannot open the cgroup %s: %s", name, strerror(errno));
	err = fstat(dir, &st) ? bg_error(error, -errno, "cannot look at the cgroup %s: %s", name, strerror(errno))
	      : st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))
		      ? bg_error(error, -EPERM,
				 "the cgroup %s is another user's: somebody has put it there meanwhile", name)
		      : bg_cgroup_from_id(st.st_ino, out, error);
	if (!err)
		return dir;
	close(dir);
	return err;
}

/* Gives the open directory in transient->dir. */
static int make_cgroup(const struct bg_cgroup *parent, struct bg_transient *transient, struct bg_error *error)
{
	int above = bg_cgroup_open(parent, error), dir;
	char name[32];

	if (above < 0)
		return above;
	snprintf(name, sizeof(name), "bindgate-run-%d", getpid());
	if (mkdirat(above, name, 0755)) {
		dir = bg_error(error, -errno, "cannot make the cgroup %.350s/%s: %s", parent->path, name,
			       strerror(errno));
	} else {
		dir = open_made(above, name, &transient->cgroup, error);
		if (dir < 0)
			unlinkat(above, name, AT_REMOVEDIR);
	}
	close(above);
	transient->dir = dir;
	return dir < 0 ? dir : 0;
}

int bg_transient_begin(struct bg_store *store, const struct bg_place *place, const struct bg_policy *policy,
		       struct bg_transient *out, struct bg_error *error)
{
	struct bg_transient transient = { .lock = -1 };
	int err = make_cgroup(&place->cgroup, &transient, error);

	if (err)
		return err;
	err = lock_and_gate(store, &transient, policy, error);
	if (err) {
		bg_cgroup_remove(transient.dir);
		close(transient.dir);
	} else {
		*out = transient;
	}
	return err;
}

int bg_transient_borrow(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_policy *policy,
			struct bg_transient *out, struct bg_error *error)
{
	struct bg_transient transient = { .cgroup = *cgroup, .dir = -1 };
	int err = lock_and_gate(store, &transient, policy, error);

	if (!err)
		*out = transient;
	return err;
}

/* Who is in there keeps the gate for as long as they live. */
static int empty(const struct bg_transient *transient, int timeout_ms)
{
	int err = is_borrowed(transient) ? 0 : bg_cgroup_kill(transient->dir);

	return err || is_borrowed(transient) ? err : bg_cgroup_await_empty(transient->dir, timeout_ms);
}

/* What is empty, or borrowed. */
static int take_away(const char *pin_dir, const struct bg_transient *transient)
{
	int err = is_borrowed(transient) ? 0 : bg_cgroup_remove(transient->dir);
	char path[PIN_PATH_MAX];

	if (!err)
		rmdir(lock_path(path, pin_dir, transient->cgroup.id, is_borrowed(transient)));
	return err;
}

static int detach(const char *pin_dir, const struct bg_transient *transient, struct bg_error *error)
{
	struct bg_store store;
	int err = bg_sweep_open(pin_dir, BG_STORE_EDIT, &store, error);

	if (err)
		return err;
	err = bg_gate_detach(&store, transient->cgroup.id, error);
	bg_store_close(&store);
	return err == -ENOENT ? 0 : err;
}

int bg_transient_end(const char *pin_dir, struct bg_transient *transient, struct bg_error *error)
{
	int err = empty(transient, DYING_MS);

	if (err) {
		bg_error(error, err, "cannot end the processes in %.350s: %s", transient->cgroup.path,
			 strerror(-err));
	} else {
		err = detach(pin_dir, transient, error);
		if (!err && (err = take_away(pin_dir, transient)))
			bg_error(error, err, "cannot remove %.350s: %s", transient->cgroup.path, strerror(-err));
	}
	if (!is_borrowed(transient))
		close(transient->dir);
	close(transient->lock);
	*transient = (struct bg_transient){ .dir = -1, .lock = -1 };
	return err;
}

/* 1: its processes are still dying. */
static int end_left(struct bg_store *store, __u64 id, bool borrowed)
{
	struct bg_transient left = { .dir = -1 };
	char path[PIN_PATH_MAX];
	int err = bg_cgroup_from_id(id, &left.cgroup, NULL);

	if (!err && !borrowed)
		err = left.dir = bg_cgroup_open(&left.cgroup, NULL);
	if (err == -ESTALE)
		rmdir(lock_path(path, store->dir, id, borrowed));
	if (err < 0)
		return 0;
	err = empty(&left, 0);
	if (!err) {
		err = bg_gate_detach(store, id, NULL);
		if (!err || err == -ENOENT)
			take_away(store->dir, &left);
	}
	if (left.dir >= 0)
		close(left.dir);
	return err == -ETIMEDOUT;
}

struct sweep {
	struct bg_store *store;
	bool dying;
};

static int sweep(const char *name, void *arg)
{
	struct sweep *sweep = arg;
	bool borrowed;
	__u64 id;
	int lock;

	borrowed = bg_pin_id(name, BORROWED, &id);
	if (!borrowed && !bg_pin_id(name, "", &id))
		return 0;
	lock = lock_run(sweep->store, id, borrowed);
	if (lock < 0)
		return 0;
	sweep->dying |= end_left(sweep->store, id, borrowed);
	close(lock);
	return 0;
}

bool bg_transient_sweep(struct bg_store *store)
{
	struct sweep left = { .store = store };
	char runs[PIN_PATH_MAX];

	bg_pin_each(bg_pin_path(runs, store->dir, "runs"), sweep, &left);
	return left.dying;
}
