/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_BPF_REFUSED_TRACEPOINTS_H
#define BINDGATE_BPF_REFUSED_TRACEPOINTS_H

/* By the system call's tracepoints, which make every system call of the machine dearer. Whoever includes this has
 * read_socket. */
#include "refusal.h"

#define BPF_ANY 0

/* What a thread asked for, from its system call's begin to its end. */
struct asked {
	__u64 fd;
	__u64 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct asked);
} asking SEC(".maps");

/* The same layout on every kernel: /sys/kernel/tracing/events/syscalls/sys_{enter,exit}_bind/format. */
struct enter {
	__u64 common;
	__u64 number;
	__u64 fd;
	__u64 addr;
	__u64 length;
};

struct leave {
	__u64 common;
	__u64 number;
	long result;
};

SEC("tracepoint/syscalls/sys_enter_bind")
int bind_begins(const struct enter *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct asked asked = { .fd = ctx->fd, .addr = ctx->addr };

	bpf_map_update_elem(&asking, &thread, &asked, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_bind")
int bind_ends(const struct leave *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	const struct asked *asked = bpf_map_lookup_elem(&asking, &thread);
	struct bg_refusal refusal = {};

	if (!asked)
		return 0;
	if (is_told(ctx->result) && read_addr((const void *)asked->addr, &refusal)) {
		complete(&refusal, (int)asked->fd, ctx->result);
		read_socket((int)asked->fd, &refusal);
		tell(&refusal);
	}
	bpf_map_delete_elem(&asking, &thread);
	return 0;
}

#endif
