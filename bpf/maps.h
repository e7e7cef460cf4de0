/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_BPF_MAPS_H
#define BINDGATE_BPF_MAPS_H

#include "vmlinux.h"

#include <bindgate/event.h>
#include <bindgate/portmap.h>
#include <bpf/bpf_helpers.h>

/*
 * Cgroup storage is the storage of the cgroup that the program is attached to: no lookup on the path. Keyed by the
 * cgroup's id alone, so that bind4 and bind6 share it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, struct bg_portmap);
} portmaps SEC(".maps");

struct chunk {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_CHUNK);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct bg_counts));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, BG_CHUNKS);
	__type(key, __u32);
	__array(values, struct chunk);
} counts SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* A ring buffer for each slot in `watching`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, BG_WATCHERS_MAX);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct bg_watching watching SEC(".data.watching");

#endif
