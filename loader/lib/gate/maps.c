// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/maps_internal.h"
#include "gate/pins_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#define FREE_TRIES 16 /* counters that are looked at before there are made more */

int bg_portmap_read(const struct bg_store *store, __u64 id, struct bg_portmap *out)
{
	return bpf_map_lookup_elem(store->portmaps, &id, out) ? -errno : 0;
}

int bg_portmap_write(const struct bg_store *store, __u64 id, const struct bg_portmap *map)
{
	return bpf_map_update_elem(store->portmaps, &id, map, BPF_ANY) ? -errno : 0;
}

int bg_portmap_clear(const struct bg_store *store, __u64 id)
{
	static const struct bg_portmap nothing;
	int err = store->portmaps < 0 ? 0 : bg_portmap_write(store, id, &nothing);

	return err == -ENOENT ? 0 : err;
}

/* The fd of a chunk of counters, which the store keeps. -ENOENT: it was not made yet. */
static int open_chunk(struct bg_store *store, __u32 chunk)
{
	char path[PIN_PATH_MAX];

	if (chunk >= BG_CHUNKS)
		return -ENOENT;
	if (store->chunks[chunk] < 0) {
		int fd = bg_pin_open_map(bg_pin_path(path, store->dir, "core/chunk%u", chunk), BPF_MAP_TYPE_ARRAY,
					 sizeof(__u32), sizeof(struct bg_counts));

		if (fd < 0)
			return fd;
		store->chunks[chunk] = fd;
	}
	return store->chunks[chunk];
}

static int read_counter(struct bg_store *store, __u32 counter, struct bg_counts *out)
{
	int chunk = open_chunk(store, counter / BG_CHUNK);
	const __u32 at = counter % BG_CHUNK;

	if (chunk < 0)
		return chunk;
	return bpf_map_lookup_elem(chunk, &at, out) ? -errno : 0;
}

int bg_counts_read(struct bg_store *store, __u64 id, __u32 counter, struct bg_counts *out)
{
	int err = read_counter(store, counter, out);

	return !err && out->gate != id ? -ENOENT : err;
}

/* How many there are: they are made in order. A negative errno: that cannot be told. */
static int count_chunks(const struct bg_store *store)
{
	int low = 0, high = BG_CHUNKS;
	char path[PIN_PATH_MAX];

	while (low < high) {
		int middle = (low + high) / 2;
		int exists = bg_pin_exists(bg_pin_path(path, store->dir, "core/chunk%d", middle));

		if (exists < 0)
			return exists;
		if (exists)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Pinned last: what a killed process left unpinned, the next one replaces. The kernel waits a grace period in here. */
static int make_chunk(const struct bg_store *store, __u32 chunk)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bindgate_chunk", sizeof(__u32), sizeof(struct bg_counts),
				BG_CHUNK, NULL);
	char path[PIN_PATH_MAX];
	int err = 0;

	if (fd < 0)
		return -errno;
	if (bpf_map_update_elem(store->counts, &chunk, &fd, BPF_ANY) ||
	    bpf_obj_pin(fd, bg_pin_path(path, store->dir, "core/chunk%u", chunk)))
		err = -errno;
	close(fd);
	return err;
}

/* A gate that is being made or taken away has its counter still. So has one that cannot be looked for. */
static bool is_gate(const struct bg_store *store, __u64 id)
{
	static const char *const states[] = { "", "new-", "old-" };
	char path[PIN_PATH_MAX];

	for (int i = 0; i < 3; i++)
		if (bg_pin_exists(bg_pin_path(path, store->dir, "gates/%s%llu", states[i], id)))
			return true;
	return false;
}

/* Looks from where the id says on; a counter whose gate is no more is free. -ENOSPC: none of those tried is. */
static int find_free(struct bg_store *store, __u64 id, __u32 chunks, __u32 *counter)
{
	__u32 counters = chunks * BG_CHUNK, tries = chunks == BG_CHUNKS ? counters : FREE_TRIES;
	struct bg_counts counts;

	for (__u32 i = 0; i < tries && counters; i++) {
		__u32 at = (__u32)((id * 0x9e3779b97f4a7c15ULL >> 32) + i) % counters;
		int err = read_counter(store, at, &counts);

		if (err)
			return err;
		if (counts.gate && counts.gate != id && is_gate(store, counts.gate))
			continue;
		*counter = at;
		return 0;
	}
	return -ENOSPC;
}

int bg_counts_take(struct bg_store *store, __u64 id, __u32 *counter)
{
	struct bg_counts zero = { .gate = id };
	int chunks = count_chunks(store), err;
	__u32 at;

	if (chunks < 0)
		return chunks;
	err = find_free(store, id, (__u32)chunks, counter);
	if (err == -ENOSPC && chunks < BG_CHUNKS) {
		*counter = (__u32)chunks * BG_CHUNK;
		err = make_chunk(store, (__u32)chunks);
	}
	if (err)
		return err;
	at = *counter % BG_CHUNK;
	err = open_chunk(store, *counter / BG_CHUNK);
	if (err < 0)
		return err;
	return bpf_map_update_elem(err, &at, &zero, BPF_ANY) ? -errno : 0;
}
