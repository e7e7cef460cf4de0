/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_MAPS_INTERNAL_H
#define BINDGATE_MAPS_INTERNAL_H

#include "gate/store.h"

/*
 * What a gate has in the kernel's cgroup storage. An entry exists from the cgroup's first attach
 * on and outlives detach; user space can neither make nor delete one. All return -ENOENT where there is none.
 */
int bg_portmap_read(const struct bg_store *store, __u64 id, struct bg_portmap *out);

/* Replaces the whole policy in one step. */
int bg_portmap_write(const struct bg_store *store, __u64 id, const struct bg_portmap *map);

/* Lets everything pass. Where there is no entry, or no map, everything passes already: 0. */
int bg_portmap_clear(const struct bg_store *store, __u64 id);

/*
 * A gate's counters, which its port map names by number. None is ever two gates': who takes one has the store open for
 * writing, and takes none whose gate stands.
 */
int bg_counts_read(struct bg_store *store, __u64 id, __u32 counter, struct bg_counts *out);

/* Finds the gate's counter or a free one, or makes more; all zero. -ENOSPC: BG_CHUNK * BG_CHUNKS gates there are already. */
int bg_counts_take(struct bg_store *store, __u64 id, __u32 *counter);

#endif
