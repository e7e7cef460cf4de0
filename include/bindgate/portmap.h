/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PORTMAP_H
#define BINDGATE_PORTMAP_H

#include <bindgate/types.h>

/*
 * The port map: a policy in the form that the kernel program reads, one per gate. User space writes it whole
 * (one BPF_MAP_UPDATE_ELEM is one RCU swap); the program only reads. All zero means: no policy, every bind passes.
 * A change of any layout in this folder is a new BG_ABI.
 */
#define BG_ABI 1

#define BG_RULES_MAX 256
#define BG_ADDRS_MAX 224    /* different addresses in one policy; what is left of 16 KiB */
#define BG_SEGMENTS_MAX 512 /* two borders a rule */
#define BG_OWNER_MAX 32
#define BG_LABEL_MAX 128

enum bg_verdict {
	BG_PASS,
	BG_ALLOW,
	BG_REWRITE,
	BG_DENY,
	BG_VERDICTS,
};

enum bg_protocol {
	BG_TCP, /* MPTCP too */
	BG_UDP, /* UDP-Lite too */
	BG_PROTOCOLS,
};

enum bg_netns {
	BG_NETNS_ANY,
	BG_NETNS_HOST, /* sockets of other network namespaces than the machine's first pass */
};

/* What a packed rule asks of a bind. It matches where each of the request's bits from TCP to IP6 is one of its own. */
enum bg_rule_flags {
	BG_RULE_TCP = 1 << BG_TCP,
	BG_RULE_UDP = 1 << BG_UDP,
	BG_RULE_IP4 = 1 << 2, /* IPv4, and IPv4 mapped into IPv6 */
	BG_RULE_IP6 = 1 << 3,
	BG_RULE_ADDR = 1 << 4,
	BG_RULE_UID = 1 << 5,
	BG_RULE_GID = 1 << 6,
	BG_RULE_TARGET = 1 << 7, /* a rewrite to another address */

	BG_RULE_PROTOCOLS = BG_RULE_TCP | BG_RULE_UDP,
	BG_RULE_FAMILIES = BG_RULE_IP4 | BG_RULE_IP6,
};

/* What the hook has to ask the kernel for before it can decide: nobody pays for what no rule needs. */
enum bg_inputs {
	BG_INPUT_IDS = 1 << 0,
	BG_INPUT_TIME = 1 << 1,
	BG_INPUT_NETNS = 1 << 2,
	BG_INPUT_ADDR = 1 << 3,
};

/* An address in host byte order; IPv4 as ::ffff:a.b.c.d. */
struct bg_addr {
	__u64 hi;
	__u64 lo;
};

struct bg_packed_rule {
	__u8 verdict; /* enum bg_verdict */
	__u8 flags;   /* enum bg_rule_flags */
	__u8 prefix;  /* leading bits of addr that must match, 0 to 128; IPv4's 32 bits are the last */
	__u8 addr;    /* index into addrs, with BG_RULE_ADDR */
	__u8 target;  /* index into addrs, with BG_RULE_TARGET */
	__u8 slot;    /* its counter; stays the rule's own while the policy around it changes */
	__u16 first;  /* ports, both ends included */
	__u16 last;
	__u16 to; /* the port that `first` is rewritten to */
	__u32 uid;
	__u32 gid;
	__u32 deadline; /* boot time in ticks; 0: never expires */
	__u32 seconds;  /* the for= that the deadline was made from */
};

/* A tick is 2^26 ns, some 67 ms: deadlines of nine years after boot fit 32 bits. */
#define BG_TICK_SHIFT 26

/*
 * The ports of one protocol, cut where any rule begins or ends. Segment s holds the ports from start[s - 1] to
 * start[s] - 1; rule[s] is what to do there: (index << 1) | decides. `decides`: the answer is that rule, or the
 * default for BG_DEFAULT; else it is the first of the rules to be tried in order. The tail repeats the last segment.
 */
struct bg_segments {
	__u16 start[BG_SEGMENTS_MAX];
	__u16 rule[BG_SEGMENTS_MAX + 2]; /* one more than borders; one to keep the size a multiple of 4 */
};

/* Not rules, but used as the index of one: the default verdict decided; bindgate had no say in the bind. */
#define BG_DEFAULT BG_RULES_MAX
#define BG_BYPASSED (BG_RULES_MAX + 1)

/* The counters: one for each rule, then these. The default has two, so that a change from pass to deny moves no past count. */
enum bg_slot {
	BG_SLOT_PASSED = BG_RULES_MAX, /* by default */
	BG_SLOT_DENIED,                /* by default */
	BG_SLOT_BYPASSED,
	BG_SLOTS,
};

/* The kernel's counters only grow. This is what they held when rules came and went, to subtract and to add. */
struct bg_counted {
	__u64 retired[BG_VERDICTS];   /* hits of rules that are gone and whose slot another rule has */
	__u32 base[BG_RULES_MAX];     /* a slot's count when its rule came */
	__u8 counts_as[BG_RULES_MAX]; /* the verdict a slot counts for, also after its rule went */
};

struct bg_portmap {
	__u32 abi;            /* BG_ABI; 0: no policy */
	__u8 default_verdict; /* verdict where no rule matches: BG_PASS or BG_DENY */
	__u8 netns;           /* enum bg_netns */
	__u8 audit;           /* denies are counted and reported, not enforced */
	__u8 inputs;          /* enum bg_inputs */
	__u64 cgroup;         /* id of the gate's cgroup, for events */
	__u16 rules_count;
	__u16 addrs_count;
	__u32 unused;
	struct bg_segments segments[BG_PROTOCOLS];
	struct bg_packed_rule rules[BG_RULES_MAX];
	struct bg_addr addrs[BG_ADDRS_MAX];

	/* For user space alone. */
	struct bg_counted counted;
	char owner[BG_OWNER_MAX]; /* who keeps the gate: "cli", "bindgated", … */
	char label[BG_LABEL_MAX];
};

/* One for each CPU and gate. A bind counts once. */
struct bg_counts {
	__u64 hits[BG_SLOTS];
};

static_assert(sizeof(struct bg_addr) == 16, "bg_addr is part of the ABI");
static_assert(sizeof(struct bg_packed_rule) == 28, "bg_packed_rule is part of the ABI");
static_assert(sizeof(struct bg_segments) == 2052, "bg_segments is part of the ABI");
static_assert(sizeof(struct bg_portmap) == 16352, "bg_portmap is part of the ABI");
/* The kernel puts a header of 16 bytes before it. Beyond 16 KiB together, it would have to find 32 KiB in one piece. */
static_assert(sizeof(struct bg_portmap) + 16 <= 16384, "a port map and its header must fit an order-2 allocation");
static_assert(sizeof(struct bg_counts) == 2072, "bg_counts is part of the ABI");

#endif
