// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/programs_internal.h"

#include "gate/libbpf_log_internal.h"
#include "gate/links_internal.h"
#include "gate/pins_internal.h"
#include "gate/probe.h"
#include "gate/programs.h"

#include <bindgate/event.h>
#include <bindgate/program.h>

#include "hooks.skel.h"
#include "base/hash.h"
#include "base/version.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum pinned {
	BIND4,
	BIND6,
	PORTMAPS,
	COUNTS,
	RINGS,
	WATCHING,
	PROGRAM, /* last: once it names this build, everything before it is in place */
	PINNED,
};

static const char *const names[PINNED] = { "bind4", "bind6", "portmaps", "counts", "rings", "watching", "program" };

/* What a pinned map must be before anything is read from it or written into it. */
static const struct shape {
	enum bpf_map_type type;
	__u32 key;
	__u32 value;
} shapes[PINNED] = {
	[PORTMAPS] = { BPF_MAP_TYPE_CGROUP_STORAGE, sizeof(__u64), sizeof(struct bg_portmap) },
	[COUNTS] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(__u32), sizeof(__u32) },
	[RINGS] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(__u32), sizeof(__u32) },
	[WATCHING] = { BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct bg_watching) },
	[PROGRAM] = { BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct bg_program) },
};

static int *slot_of(struct bg_store *store, enum pinned what)
{
	switch (what) {
	case BIND4:
		return &store->bind4;
	case BIND6:
		return &store->bind6;
	case PORTMAPS:
		return &store->portmaps;
	case COUNTS:
		return &store->counts;
	case RINGS:
		return &store->rings;
	default:
		return &store->watching;
	}
}

void bg_programs_forget(struct bg_store *store)
{
	for (int i = 0; i < PROGRAM; i++)
		*slot_of(store, i) = -1;
	for (int i = 0; i < BG_CHUNKS; i++)
		store->chunks[i] = -1;
	store->has_program = false;
}

void bg_programs_close(struct bg_store *store)
{
	for (int i = 0; i < PROGRAM; i++)
		if (*slot_of(store, i) >= 0)
			close(*slot_of(store, i));
	for (int i = 0; i < BG_CHUNKS; i++)
		if (store->chunks[i] >= 0)
			close(store->chunks[i]);
	bg_programs_forget(store);
}

/* An fd; -ENOENT: nothing is there, or something else than it should be; other errors: that cannot be found out. */
static int open_pinned(const struct bg_store *store, enum pinned what)
{
	const struct shape *shape = &shapes[what];
	char path[PIN_PATH_MAX];

	bg_pin_path(path, store->dir, "core/%s", names[what]);
	return what <= BIND6 ? bg_pin_open(path) : bg_pin_open_map(path, shape->type, shape->key, shape->value);
}

static int read_program(struct bg_store *store)
{
	int map = open_pinned(store, PROGRAM), err;
	const __u32 first = 0;

	if (map < 0)
		return map == -ENOENT ? 0 : map;
	err = bpf_map_lookup_elem(map, &first, &store->program) ? -errno : 0;
	close(map);
	store->has_program = !err;
	store->program.version[sizeof(store->program.version) - 1] = '\0';
	return err;
}

int bg_programs_open(struct bg_store *store, struct bg_error *error)
{
	int err = 0;

	bg_programs_close(store);
	for (int i = 0; i < PROGRAM && !err; i++) {
		int fd = open_pinned(store, i);

		*slot_of(store, i) = fd < 0 ? -1 : fd;
		err = fd < 0 && fd != -ENOENT ? fd : 0;
	}
	if (!err)
		err = read_program(store);
	if (!err)
		return 0;
	bg_programs_close(store);
	return bg_error(error, err, "cannot open what is pinned in %s/core: %s", store->dir, strerror(-err));
}

static int unlink_all(const char *dir)
{
	char path[PIN_PATH_MAX];
	int err = 0;

	for (int i = 0; i < PINNED; i++)
		if ((unlink(bg_pin_path(path, dir, "%s", names[i])) && errno != ENOENT) ||
		    (unlink(bg_pin_path(path, dir, "new-%s", names[i])) && errno != ENOENT))
			err = -errno;
	for (int i = 0; i < BG_CHUNKS && !unlink(bg_pin_path(path, dir, "chunk%d", i)); i++)
		;
	return err;
}

void bg_programs_sweep(const char *dir)
{
	char aside[PIN_PATH_MAX];

	unlink_all(bg_pin_path(aside, dir, "new-core"));
	rmdir(aside);
}

int bg_programs_remove(struct bg_store *store, struct bg_error *error)
{
	char core[PIN_PATH_MAX];
	int err;

	bg_programs_close(store);
	err = unlink_all(bg_pin_path(core, store->dir, "core"));
	if (!err && rmdir(core) && errno != ENOENT)
		err = -errno;
	if (err == -ENOTEMPTY || err == -EISDIR)
		return bg_error(error, -ENOTEMPTY,
				"%s holds something that bindgate did not make: take it out by hand", core);
	return err ? bg_error(error, err, "cannot remove %s: %s", core, strerror(-err)) : 0;
}

/* Tells one build of the programs from another. */
static __u64 this_build(void)
{
	size_t size;
	const void *bytes = hooks_bpf__elf_bytes(&size);

	return bg_hash(BG_HASH_START, bytes, size);
}

/* Opens the skeleton, set for what this kernel has. */
static int open_skeleton(struct hooks_bpf **out, struct bg_error *error)
{
	struct bg_features features;
	struct hooks_bpf *skeleton;
	int err = bg_probe(&features, error);

	if (!err)
		err = bg_probe_required(&features, error);
	if (err)
		return err;
	skeleton = hooks_bpf__open();
	if (!skeleton) {
		err = -errno;
		bg_error(error, err, "cannot open the BPF programs: %s", strerror(-err));
		return err;
	}
	skeleton->rodata->program = (struct bg_program){
		.abi = BG_ABI,
		.has_set_retval = features.set_retval,
		.has_pid = features.pid,
		.has_comm = features.comm,
		.build = this_build(),
	};
	snprintf(skeleton->rodata->program.version, sizeof(skeleton->rodata->program.version), "%s", bg_version);
	*out = skeleton;
	return 0;
}

static int load_skeleton(struct hooks_bpf *skeleton, struct bg_error *error)
{
	struct bg_error libbpf = { 0 };
	int err;

	bg_libbpf_log(&libbpf);
	err = hooks_bpf__load(skeleton);
	bg_libbpf_log(NULL);
	if (!err)
		return 0;
	return bg_error(error, err, "this kernel refused the BPF programs: %s%s%s (bindgate --verbose shows why)",
			strerror(-err), *libbpf.text ? "; " : "", libbpf.text);
}

static int fd_of(const struct hooks_bpf *skeleton, enum pinned what)
{
	switch (what) {
	case BIND4:
		return bpf_program__fd(skeleton->progs.bind4);
	case BIND6:
		return bpf_program__fd(skeleton->progs.bind6);
	case PORTMAPS:
		return bpf_map__fd(skeleton->maps.portmaps);
	case COUNTS:
		return bpf_map__fd(skeleton->maps.counts);
	case RINGS:
		return bpf_map__fd(skeleton->maps.rings);
	case WATCHING:
		return bpf_map__fd(skeleton->maps.data_watching);
	default:
		return bpf_map__fd(skeleton->maps.rodata);
	}
}

static int pin_failed(const char *path, int err, struct bg_error *error)
{
	return bg_error(error, err, "cannot pin %s: %s", path, strerror(-err));
}

/* Pins everything aside, then renames it into place: core/ is whole or absent. */
static int pin_core(const struct bg_store *store, const struct hooks_bpf *skeleton, struct bg_error *error)
{
	char aside[PIN_PATH_MAX], core[PIN_PATH_MAX], path[PIN_PATH_MAX];
	int err = 0;

	bg_pin_path(aside, store->dir, "new-core");
	bg_pin_path(core, store->dir, "core");
	if (mkdir(aside, 0700))
		return pin_failed(aside, -errno, error);
	for (int i = 0; i < PINNED && !err; i++)
		if (bpf_obj_pin(fd_of(skeleton, i), bg_pin_path(path, aside, "%s", names[i])))
			err = pin_failed(path, -errno, error);
	if (!err && rename(aside, core))
		err = pin_failed(core, -errno, error);
	if (err)
		bg_programs_sweep(store->dir);
	return err;
}

struct relink {
	const char *gates;
	const int *programs;
	struct bg_error *error;
};

static int relink_gate(const char *name, void *arg)
{
	const struct relink *to = arg;
	char dir[PIN_PATH_MAX];
	__u64 id;

	if (!bg_pin_id(name, "", &id))
		return 0;
	return bg_links_update(bg_pin_path(dir, to->gates, "%s", name), to->programs, to->error);
}

/* Every gate runs either the old or the new program, on the same maps, at each instant. */
static int upgrade(const struct bg_store *store, struct hooks_bpf *skeleton, struct bg_error *error)
{
	const int programs[BG_HOOKS] = { fd_of(skeleton, BIND4), fd_of(skeleton, BIND6) };
	char gates[PIN_PATH_MAX], path[PIN_PATH_MAX];
	struct relink to = { .gates = bg_pin_path(gates, store->dir, "gates"),
			     .programs = programs,
			     .error = error };
	int err = bg_pin_each(gates, relink_gate, &to);

	for (int i = 0; i < PINNED && !err; i++) {
		if (i != BIND4 && i != BIND6 && i != PROGRAM)
			continue;
		err = bg_pin_replace(fd_of(skeleton, i), bg_pin_path(path, store->dir, "core/%s", names[i]));
		if (err)
			pin_failed(path, err, error);
	}
	return err;
}

static int reuse_maps(const struct bg_store *store, struct hooks_bpf *skeleton)
{
	int err = bpf_map__reuse_fd(skeleton->maps.portmaps, store->portmaps);

	err = err ? err : bpf_map__reuse_fd(skeleton->maps.counts, store->counts);
	err = err ? err : bpf_map__reuse_fd(skeleton->maps.rings, store->rings);
	return err ? err : bpf_map__reuse_fd(skeleton->maps.data_watching, store->watching);
}

static bool maps_are_usable(const struct bg_store *store)
{
	return store->portmaps >= 0 && store->counts >= 0 && store->rings >= 0 && store->watching >= 0;
}

static int is_gate(const char *name, void *arg)
{
	__u64 id;

	(void)arg;
	return bg_pin_id(name, "", &id);
}

#define ANEW "its gates still hold. To begin anew: bindgate detach --all, then attach again"

/* Programs are there, but no such as this bindgate can use or replace. */
static int unusable(struct bg_store *store, struct bg_error *error)
{
	char gates[PIN_PATH_MAX];
	int gated = bg_pin_each(bg_pin_path(gates, store->dir, "gates"), is_gate, NULL);

	if (gated < 0)
		return bg_error(error, gated, "cannot read %s: %s", gates, strerror(-gated));
	if (gated && store->has_program && store->program.abi != BG_ABI)
		return bg_error(error, -EPROTO,
				"%s/core was made by another bindgate (ABI %u, %s; this one has ABI %d); " ANEW,
				store->dir, store->program.abi, store->program.version, BG_ABI);
	if (gated)
		return bg_error(error, -EPROTO, "%s/core is gone or damaged; " ANEW, store->dir);
	return bg_programs_remove(store, error);
}

static int make_dirs(const struct bg_store *store, struct bg_error *error)
{
	char path[PIN_PATH_MAX];

	if ((mkdir(bg_pin_path(path, store->dir, "gates"), 0700) && errno != EEXIST) ||
	    (mkdir(bg_pin_path(path, store->dir, "watchers"), 0700) && errno != EEXIST))
		return bg_error(error, -errno, "cannot make %s: %s", path, strerror(errno));
	return 0;
}

int bg_programs_load(struct bg_store *store, struct bg_error *error)
{
	bool usable = maps_are_usable(store) && (!store->has_program || store->program.abi == BG_ABI);
	struct hooks_bpf *skeleton = NULL;
	int err;

	err = make_dirs(store, error);
	if (err)
		return err;
	if (usable && store->has_program && store->program.build == this_build() && store->bind4 >= 0 &&
	    store->bind6 >= 0)
		return 0;
	if (!usable) {
		err = unusable(store, error);
		if (err)
			return err;
	}
	err = open_skeleton(&skeleton, error);
	if (err)
		return err;
	if (usable) {
		err = reuse_maps(store, skeleton);
		if (err)
			bg_error(error, err, "cannot take over the maps in %s/core: %s", store->dir, strerror(-err));
	}
	if (!err)
		err = load_skeleton(skeleton, error);
	if (!err)
		err = usable ? upgrade(store, skeleton, error) : pin_core(store, skeleton, error);
	hooks_bpf__destroy(skeleton);
	return err ? err : bg_programs_open(store, error);
}
