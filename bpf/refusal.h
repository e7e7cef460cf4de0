/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_BPF_REFUSAL_H
#define BINDGATE_BPF_REFUSAL_H

#include "vmlinux.h"

#include <bindgate/refusal.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define EPERM 1
#define EACCES 13
#define EADDRINUSE 98
#define AF_UNSPEC 0
#define AF_INET 2
#define AF_INET6 10

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18); /* some 3,000 refusals */
} refusals SEC(".maps");

__u64 lost; /* refusals that found the ring full */

/* As much of a sockaddr as both families have in common, then what each has of its own. */
struct sockaddr_head {
	__u16 family;
	__be16 port;
	__be32 rest[6]; /* IPv4: the address; IPv6: the flow, then the address */
};

static __always_inline bool is_told(long result)
{
	return result == -EACCES || result == -EPERM || result == -EADDRINUSE;
}

/* false: no address of IPv4 or IPv6. AF_UNSPEC counts as IPv4, as bind(2) takes it on such a socket. */
static __always_inline bool read_addr(const void *user, struct bg_refusal *out)
{
	struct sockaddr_head head = {};

	if (bpf_probe_read_user(&head, 8, user))
		return false;
	out->port = bpf_ntohs(head.port);
	if (head.family == AF_INET || head.family == AF_UNSPEC) {
		out->family = 4;
		out->addr.lo = 0xffff00000000ULL | bpf_ntohl(head.rest[0]);
		return true;
	}
	if (head.family != AF_INET6 || bpf_probe_read_user(&head, 24, user))
		return false;
	out->family = 6;
	out->addr.hi = (__u64)bpf_ntohl(head.rest[1]) << 32 | bpf_ntohl(head.rest[2]);
	out->addr.lo = (__u64)bpf_ntohl(head.rest[3]) << 32 | bpf_ntohl(head.rest[4]);
	return true;
}

/* What is known of the thread; the address has been read. */
static __always_inline void complete(struct bg_refusal *out, int fd, long result)
{
	__u64 ids = bpf_get_current_uid_gid();

	out->time = bpf_ktime_get_boot_ns();
	out->task_cgroup = bpf_get_current_cgroup_id();
	out->pid = (__u32)(bpf_get_current_pid_tgid() >> 32);
	out->uid = (__u32)ids;
	out->gid = (__u32)(ids >> 32);
	out->fd = fd;
	out->error = (__u8)-result;
	bpf_get_current_comm(out->comm, sizeof(out->comm));
}

static __always_inline void tell(const struct bg_refusal *refusal)
{
	if (bpf_ringbuf_output(&refusals, (void *)refusal, sizeof(*refusal), 0))
		__sync_fetch_and_add(&lost, 1);
}

#endif
