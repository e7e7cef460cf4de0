// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/sweep.h"

#include "cgroup/cgroup.h"
#include "gate/links_internal.h"
#include "gate/maps_internal.h"
#include "gate/pins_internal.h"
#include "gate/programs_internal.h"
#include "gate/transient_internal.h"
#include "gate/watch_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int is_leftover(const char *name, void *arg)
{
	(void)arg;
	return !strncmp(name, "new-", 4) || !strncmp(name, "old-", 4);
}

/* For who holds the shared lock, or none: has a killed command left something? */
static bool is_due(const char *dir)
{
	char gates[PIN_PATH_MAX];

	return bg_pin_each(dir, is_leftover, NULL) ||
	       bg_pin_each(bg_pin_path(gates, dir, "gates"), is_leftover, NULL);
}

struct sweep {
	struct bg_store *store;
	char gates[PIN_PATH_MAX];
};

/* The port map belongs to the cgroup. If a gate stands on the same cgroup, the map is in use by that gate. */
static void take_away(const struct sweep *sweep, const char *dir, __u64 id)
{
	char final[PIN_PATH_MAX];

	if (!bg_pin_exists(bg_pin_path(final, sweep->gates, "%llu", id)))
		bg_portmap_clear(sweep->store, id);
	bg_links_remove(dir, NULL);
}

/* Its maker was killed. With links and a policy it is a whole gate and is put in place; otherwise it is taken away. */
static void finish(const struct sweep *sweep, const char *dir, __u64 id)
{
	char final[PIN_PATH_MAX];
	struct bg_portmap map;

	bg_pin_path(final, sweep->gates, "%llu", id);
	if (bg_links_whole(dir, id) > 0 && !bg_portmap_read(sweep->store, id, &map) && map.abi &&
	    !bg_pin_exists(final) && !rename(dir, final))
		return;
	take_away(sweep, dir, id);
}

static int sweep_gate(const char *name, void *arg)
{
	const struct sweep *sweep = arg;
	char dir[PIN_PATH_MAX];
	__u64 id;

	bg_pin_path(dir, sweep->gates, "%s", name);
	if (bg_pin_id(name, "new-", &id)) {
		finish(sweep, dir, id);
	} else if (bg_pin_id(name, "old-", &id)) {
		take_away(sweep, dir, id);
	} else if (bg_pin_id(name, "", &id) && !bg_cgroup_exists(id)) {
		bg_links_remove(dir, NULL);
	}
	return 0;
}

static void sweep_again(struct bg_store *store)
{
	bg_transient_sweep(store);
}

/* What cannot be removed stays, and is told by the command that is asked to remove it. Killed processes have as long to
 * die as the command takes: nobody waits for them. */
static void sweep_all(struct bg_store *store)
{
	struct sweep sweep = { .store = store };

	if (bg_transient_sweep(store))
		store->before_close = sweep_again;
	bg_programs_sweep(store->dir);
	bg_watch_sweep(store);
	bg_pin_each(bg_pin_path(sweep.gates, store->dir, "gates"), sweep_gate, &sweep);
}

static int open_and_sweep(const char *dir, enum bg_store_access access, struct bg_store *out, struct bg_error *error)
{
	int err = bg_store_open(dir, access, out, error);

	if (!err && out->dir_fd >= 0 && out->writable && (access != BG_STORE_KEEP || is_due(out->dir)))
		sweep_all(out);
	return err;
}

int bg_sweep_open(const char *dir, enum bg_store_access access, struct bg_store *out, struct bg_error *error)
{
	struct bg_store sweeper;
	int err;

	/* flock drops a shared lock before it takes an exclusive one, and others may act in between. So begin anew. */
	if (access == BG_STORE_READ && is_due(dir)) {
		err = open_and_sweep(dir, BG_STORE_EDIT, &sweeper, error);
		if (err)
			return err;
		bg_store_close(&sweeper);
	}
	return open_and_sweep(dir, access, out, error);
}
