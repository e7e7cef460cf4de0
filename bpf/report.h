/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_BPF_REPORT_H
#define BINDGATE_BPF_REPORT_H

#include "features.h"
#include "maps.h"

#include <bindgate/decide.h>

/* Tells every watcher of a decision. A global function for the verifier's sake, as in decide.h. */
BG_CHECKED_ONCE int report(const struct bg_portmap *map, const struct bg_request *request,
			   const struct bg_answer *answer, __u32 protocol, __u32 family)
{
	if (!map || !request || !answer)
		return 0;

	struct bg_event event = {
		.time = bpf_ktime_get_boot_ns(),
		.cgroup = map->cgroup,
		.requested = request->addr,
		.actual = request->addr,
		.requested_port = request->port,
		.actual_port = request->port,
		.slot = answer->slot,
		.protocol = (__u16)protocol,
		.family = (__u8)family,
		.verdict = answer->verdict,
		.audit = map->audit && answer->verdict == BG_DENY,
	};
	__u64 ids = bpf_get_current_uid_gid();

	event.uid = (__u32)ids;
	event.gid = (__u32)(ids >> 32);
	if (program.has_pid)
		event.pid = (__u32)(bpf_get_current_pid_tgid() >> 32);
	if (program.has_comm)
		bpf_get_current_comm(event.comm, sizeof(event.comm));

	__u32 slot = answer->slot;
	if (slot < BG_RULES_MAX) {
		event.rule = map->rules[slot];
		if (event.rule.addr < BG_ADDRS_MAX)
			event.rule_addr = map->addrs[event.rule.addr];
		if (event.rule.target < BG_ADDRS_MAX)
			event.rule_target = map->addrs[event.rule.target];
	}
	if (answer->verdict == BG_REWRITE) {
		event.actual_port = answer->port;
		if (answer->readdressed)
			event.actual = event.rule_target;
	}

	for (__u32 watcher = 0; watcher < BG_WATCHERS_MAX; watcher++) {
		__u32 key = watcher;
		void *ring;

		if (!(watching.slots & (1ULL << watcher)))
			continue;
		ring = bpf_map_lookup_elem(&rings, &key);
		if (ring && bpf_ringbuf_output(ring, &event, sizeof(event), 0))
			__sync_fetch_and_add(&watching.lost[watcher], 1);
	}
	return 0;
}

#endif
