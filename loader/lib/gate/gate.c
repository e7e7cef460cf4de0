// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/gate.h"

#include "policy/counters.h"
#include "gate/links_internal.h"
#include "gate/pins_internal.h"
#include "gate/maps_internal.h"
#include "gate/programs.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The gate's directory: its name tells whether it is being made ("new-"), stands ("") or is being ended ("old-"). */
static const char *gate_dir(char path[static PIN_PATH_MAX], const struct bg_store *store, const char *state,
			    __u64 id)
{
	return bg_pin_path(path, store->dir, "gates/%s%llu", state, id);
}

static int cannot_read(__u64 id, int err, struct bg_error *error)
{
	return bg_error(error, err, "cannot read the gate on cgroup %llu: %s", id, strerror(-err));
}

/* 1, 0 or a negative errno. */
static int gate_exists(const struct bg_store *store, __u64 id, struct bg_error *error)
{
	char dir[PIN_PATH_MAX];
	int exists = bg_pin_exists(gate_dir(dir, store, "", id));

	return exists < 0 ? cannot_read(id, exists, error) : exists;
}

/* What stands in the kernel before a change; zero where nothing, or nothing sound, does. */
struct standing {
	bool there;
	bool whole; /* both links */
	bool sound;
	struct bg_portmap map;
	struct bg_policy policy;
	struct bg_counts counts;
};

static int read_standing(struct bg_store *store, __u64 id, struct standing *out, struct bg_error *error)
{
	struct standing now = { .there = false };
	char dir[PIN_PATH_MAX];
	int err = gate_exists(store, id, error), whole;

	if (err < 0)
		return err;
	now.there = err;
	if (now.there) {
		whole = bg_links_whole(gate_dir(dir, store, "", id), id);
		err = whole < 0 ? whole : bg_portmap_read(store, id, &now.map);
		if (!err)
			err = bg_counts_read(store, id, now.map.counter, &now.counts);
		if (err && err != -ENOENT) /* deadlines and counts cannot be read: change nothing */
			return cannot_read(id, err, error);
		now.whole = whole;
		now.sound = !err && now.map.cgroup == id && !bg_decompile(&now.map, &now.policy, NULL);
		if (!now.sound)
			now = (struct standing){ .there = true, .whole = now.whole };
	}
	*out = now;
	return 0;
}

static bool same_deadlines(const struct bg_policy *a, const struct bg_policy *b)
{
	for (unsigned int i = 0; i < a->count; i++)
		if (a->rules[i].deadline != b->rules[i].deadline)
			return false;
	return true;
}

static int write_failed(const struct bg_cgroup *cgroup, int err, struct bg_error *error)
{
	return bg_error(error, err, "cannot write the port map of %s: %s", cgroup->path, strerror(-err));
}

/* Attached with nothing to enforce, then given its policy, then renamed into place: whole or absent, at every instant
 * and for both families at once. */
static int make_gate(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_portmap *map,
		     struct bg_error *error)
{
	const int programs[BG_HOOKS] = { store->bind4, store->bind6 };
	char aside[PIN_PATH_MAX], dir[PIN_PATH_MAX];
	int err = bg_portmap_clear(store, cgroup->id); /* what a gate that stood here before left */

	if (err)
		return write_failed(cgroup, err, error);
	gate_dir(aside, store, "new-", cgroup->id);
	gate_dir(dir, store, "", cgroup->id);
	if (mkdir(aside, 0700))
		return bg_error(error, -errno, "cannot make %s: %s", aside, strerror(errno));
	err = bg_links_make(aside, cgroup, programs, error);
	if (err >= 0) {
		err = bg_portmap_write(store, cgroup->id, map);
		if (err)
			write_failed(cgroup, err, error);
		else if (rename(aside, dir))
			err = bg_error(error, -errno, "cannot make %s: %s", dir, strerror(errno));
	}
	if (err) {
		bg_portmap_clear(store, cgroup->id);
		bg_links_remove(aside, NULL);
	}
	return err;
}

/* A standing gate: links that somebody took away are made anew, then the policy is swapped. */
static int swap_gate(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_portmap *map,
		     struct bg_error *error)
{
	const int programs[BG_HOOKS] = { store->bind4, store->bind6 };
	char dir[PIN_PATH_MAX];
	int err = bg_links_make(gate_dir(dir, store, "", cgroup->id), cgroup, programs, error);

	if (err < 0)
		return err;
	err = bg_portmap_write(store, cgroup->id, map);
	return err ? write_failed(cgroup, err, error) : 0;
}

/* A gate that stands keeps its counter. */
static int choose_counter(struct bg_store *store, const struct bg_cgroup *cgroup, const struct standing *before,
			  __u32 *counter, struct bg_error *error)
{
	int err = 0;

	*counter = before->map.counter;
	if (!before->sound)
		err = bg_counts_take(store, cgroup->id, counter);
	if (err == -ENOSPC)
		return bg_error(error, err, "there are %d gates already, the most that there can be",
				BG_CHUNK * BG_CHUNKS);
	return err ? bg_error(error, err, "cannot make counters for %s: %s", cgroup->path, strerror(-err)) : 0;
}

int bg_gate_attach(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_policy *policy,
		   unsigned int flags, struct bg_error *error)
{
	struct standing before;
	struct bg_policy wanted = *policy;
	struct bg_counted counted;
	struct bg_portmap map;
	int err = bg_programs_load(store, error);

	if (!err)
		err = read_standing(store, cgroup->id, &before, error);
	if (err)
		return err;
	if (before.there && (flags & BG_ATTACH_ONLY_NEW))
		return bg_error(error, -EEXIST, "%s is a gate already", cgroup->name);
	bg_counters_carry(&before.map.counted, &before.policy, &before.counts, flags & BG_ATTACH_KEEP_EXPIRED,
			  bg_clock_ticks(), &wanted, &counted);
	if (before.sound && before.whole && bg_policy_same(&wanted, &before.policy) &&
	    same_deadlines(&wanted, &before.policy))
		return BG_UNCHANGED;

	err = bg_compile(&wanted, &map, error);
	if (err)
		return err;
	map.cgroup = cgroup->id;
	map.counted = counted;
	err = choose_counter(store, cgroup, &before, &map.counter, error);
	if (err)
		return err;
	err = before.there ? swap_gate(store, cgroup, &map, error) : make_gate(store, cgroup, &map, error);
	if (err)
		return err;
	return before.there ? BG_REPLACED : BG_ATTACHED;
}

int bg_gate_detach(struct bg_store *store, __u64 id, struct bg_error *error)
{
	char dir[PIN_PATH_MAX], aside[PIN_PATH_MAX];
	struct bg_error left;
	int err;

	gate_dir(dir, store, "", id);
	gate_dir(aside, store, "old-", id);
	if (rename(dir, aside)) {
		if (errno == ENOENT)
			return bg_error(error, -ENOENT, "no gate there");
		/* an old-ID is there that cannot be removed: end the gate where it is */
		memcpy(aside, dir, sizeof(aside));
	}
	bg_portmap_clear(store, id); /* at once, and for both families */
	err = bg_links_remove(aside, &left);
	return err ? bg_error(error, err, "detached, but %s", left.text) : 0;
}

static void judge(const struct bg_store *store, bool whole, struct bg_gate *gate)
{
	const char *damage = whole ? "" : "a link is missing: binds of one family or both are not gated";

	gate->is_foreign = gate->is_unknown && store->has_program && store->program.abi != BG_ABI;
	if (gate->is_foreign) {
		snprintf(gate->damage, sizeof(gate->damage),
			 "it was made by another bindgate (ABI %u; this one has ABI %d)", store->program.abi,
			 BG_ABI);
		return;
	}
	if (gate->is_unknown)
		damage = "its port map cannot be read, or was changed by hand";
	else if (!gate->map.abi)
		damage = "its port map is empty: everything passes";
	snprintf(gate->damage, sizeof(gate->damage), "%s", damage);
}

int bg_gate_read(struct bg_store *store, __u64 id, struct bg_gate *out, struct bg_error *error)
{
	struct bg_gate gate = { .id = id };
	struct bg_counts counts = { 0 };
	char dir[PIN_PATH_MAX];
	int err = gate_exists(store, id, error), whole;

	if (!err)
		return bg_error(error, -ENOENT, "no gate there");
	if (err < 0)
		return err;
	err = bg_cgroup_from_id(id, &gate.cgroup, error);
	if (err == -EXDEV) { /* outside of this cgroup namespace: it has no name here */
		gate.cgroup = (struct bg_cgroup){ .id = id };
		snprintf(gate.cgroup.name, sizeof(gate.cgroup.name), "id:%llu", id);
	} else if (err) {
		return err;
	}
	whole = bg_links_whole(gate_dir(dir, store, "", id), id);
	err = whole < 0 ? whole : store->portmaps < 0 ? -ENOENT : bg_portmap_read(store, id, &gate.map);
	if (err && err != -ENOENT)
		return cannot_read(id, err, error);
	gate.is_unknown = err || (gate.map.abi && bg_decompile(&gate.map, &gate.policy, NULL));
	err = gate.is_unknown || !gate.map.abi ? -ENOENT : bg_counts_read(store, id, gate.map.counter, &counts);
	if (err && err != -ENOENT)
		return cannot_read(id, err, error);
	for (unsigned int i = 0; i < gate.policy.count; i++)
		gate.hits[i] = bg_counters_hits(&gate.map.counted, &counts, gate.policy.rules[i].slot);
	gate.default_hits = counts.hits[gate.policy.default_verdict == BG_DENY ? BG_SLOT_DENIED : BG_SLOT_PASSED];
	gate.bypassed_hits = counts.hits[BG_SLOT_BYPASSED];
	bg_counters_totals(&gate.map.counted, &counts, gate.verdicts);
	judge(store, whole, &gate);
	*out = gate;
	return 0;
}

struct ids {
	__u64 *each;
	size_t count;
};

static int collect(const char *name, void *arg)
{
	struct ids *ids = arg;
	__u64 id, *more;

	if (!bg_pin_id(name, "", &id) || !bg_cgroup_exists(id))
		return 0;
	more = reallocarray(ids->each, ids->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	ids->each = more;
	ids->each[ids->count++] = id;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

int bg_gate_ids(struct bg_store *store, __u64 **ids, size_t *count, struct bg_error *error)
{
	struct ids found = { 0 };
	char gates[PIN_PATH_MAX];
	int err = bg_pin_each(bg_pin_path(gates, store->dir, "gates"), collect, &found);

	if (err) {
		free(found.each);
		return bg_error(error, err, "cannot read %s: %s", gates, strerror(-err));
	}
	if (found.count)
		qsort(found.each, found.count, sizeof(*found.each), by_id);
	*ids = found.each;
	*count = found.count;
	return 0;
}
