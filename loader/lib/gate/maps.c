// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/maps_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

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

int bg_counts_read(const struct bg_store *store, __u64 id, struct bg_counts *out)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct bg_counts *each;

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(store->counts, &id, each))
		err = -errno;
	*out = (struct bg_counts){ 0 };
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		for (int slot = 0; slot < BG_SLOTS; slot++)
			out->hits[slot] += each[cpu].hits[slot];
	free(each);
	return err;
}

int bg_counts_clear(const struct bg_store *store, __u64 id)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct bg_counts *zero;

	if (cpus < 0)
		return cpus;
	zero = calloc((size_t)cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	if (bpf_map_update_elem(store->counts, &id, zero, BPF_ANY))
		err = errno == ENOENT ? 0 : -errno;
	free(zero);
	return err;
}
