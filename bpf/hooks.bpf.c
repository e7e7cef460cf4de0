// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "vmlinux.h"

#include "features.h"
#include "maps.h"
#include "report.h"

#include <bindgate/decide.h>
#include <bpf/bpf_endian.h>

#define EACCES 13
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262

/* What a bind hook may return. Bit 1 (5.12) waives CAP_NET_BIND_SERVICE. */
enum answer {
	REFUSE = 0,
	PROCEED = 1,
	PROCEED_WAIVED = 3,
};

static __always_inline __u8 protocol_kind(__u32 protocol)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)
		return BG_RULE_TCP;
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)
		return BG_RULE_UDP;
	return 0;
}

/* The address asked for, and the family that it counts as. */
static __always_inline void read_addr(const struct bpf_sock_addr *ctx, int family, struct bg_request *request)
{
	if (family == 4) {
		request->addr.lo = 0xffff00000000ULL | bpf_ntohl(ctx->user_ip4);
		request->kind |= BG_RULE_IP4;
		return;
	}
	request->addr.hi = (__u64)bpf_ntohl(ctx->user_ip6[0]) << 32 | bpf_ntohl(ctx->user_ip6[1]);
	request->addr.lo = (__u64)bpf_ntohl(ctx->user_ip6[2]) << 32 | bpf_ntohl(ctx->user_ip6[3]);
	request->kind |= request->addr.hi == 0 && request->addr.lo >> 32 == 0xffff ? BG_RULE_IP4 : BG_RULE_IP6;
}

static __always_inline void write_addr(struct bpf_sock_addr *ctx, int family, const struct bg_addr *addr)
{
	if (family == 4) {
		ctx->user_ip4 = bpf_htonl((__u32)addr->lo);
		return;
	}
	ctx->user_ip6[0] = bpf_htonl((__u32)(addr->hi >> 32));
	ctx->user_ip6[1] = bpf_htonl((__u32)addr->hi);
	ctx->user_ip6[2] = bpf_htonl((__u32)(addr->lo >> 32));
	ctx->user_ip6[3] = bpf_htonl((__u32)addr->lo);
}

/* The bind that a hook was called for. `family` is the hook's: user_family may be AF_UNSPEC where the kernel takes it
 * for AF_INET. */
struct asked {
	struct bpf_sock_addr *ctx;
	int family;
};

/* What a rule looks at besides port and protocol. */
static __always_inline void fill(struct bg_request *request, __u8 inputs, void *arg)
{
	const struct asked *asked = arg;

	if (inputs & BG_INPUT_ADDR)
		read_addr(asked->ctx, asked->family, request);
	if (inputs & BG_INPUT_IDS) {
		__u64 ids = bpf_get_current_uid_gid();

		request->uid = (__u32)ids;
		request->gid = (__u32)(ids >> 32);
	}
	if (inputs & BG_INPUT_TIME)
		request->now = (__u32)(bpf_ktime_get_boot_ns() >> BG_TICK_SHIFT);
	if (inputs & BG_INPUT_NETNS) /* of NULL: the cookie of the machine's first network namespace */
		request->foreign_netns = bpf_get_netns_cookie(asked->ctx) != bpf_get_netns_cookie(NULL);
}

static __always_inline void tell(struct bpf_sock_addr *ctx, int family, const struct bg_portmap *map, __u16 port,
				 struct bg_answer answer)
{
	struct bg_request request = { .port = port };

	read_addr(ctx, family, &request);
	report(map, &request, &answer, ctx->protocol, (__u32)family);
}

/* Shared by all CPUs, by hooks that may be preempted. */
static __always_inline void count(const struct bg_portmap *map, __u32 slot)
{
	__u32 number = map->counter / BG_CHUNK, at = map->counter % BG_CHUNK;
	void *chunk = bpf_map_lookup_elem(&counts, &number);
	struct bg_counts *mine = chunk ? bpf_map_lookup_elem(chunk, &at) : NULL;

	BG_FORGET_RANGE(slot);
	if (mine && slot < BG_SLOTS)
		__sync_fetch_and_add(&mine->hits[slot], 1);
}

static __always_inline int gate(struct bpf_sock_addr *ctx, int family)
{
	const struct bg_portmap *map = bpf_get_local_storage(&portmaps, 0);
	struct asked asked = { .ctx = ctx, .family = family };
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	struct bg_answer answer;

	if (!map->abi)
		return PROCEED;
	answer = bg_decide(map, port, protocol_kind(ctx->protocol), fill, &asked);
	count(map, answer.slot);
	if (watching.slots)
		tell(ctx, family, map, port, answer);

	switch (answer.verdict) {
	case BG_DENY:
		if (map->audit)
			return PROCEED;
		if (program.has_set_retval)
			bpf_set_retval(-EACCES);
		return REFUSE;
	case BG_REWRITE:
		ctx->user_port = bpf_htons(answer.port);
		if (answer.readdressed && answer.target < BG_ADDRS_MAX)
			write_addr(ctx, family, &map->addrs[answer.target]);
		return PROCEED_WAIVED;
	case BG_ALLOW:
		return PROCEED_WAIVED;
	default:
		return PROCEED;
	}
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	return gate(ctx, 4);
}

SEC("cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
	return gate(ctx, 6);
}

/* bpf_set_retval and bpf_ktime_get_boot_ns are for GPL-compatible programs alone. */
char _license[] SEC("license") = "Dual BSD/GPL";
