/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PORTMAP_H
#define BINDGATE_PORTMAP_H

#include <bindgate/types.h>

/*
 * The port map: a policy in the form that the kernel program reads, one per gate. User space writes it whole
 * (one BPF_MAP_UPDATE_ELEM is one RCU swap); the program only reads. All zero means: no policy, every bind passes.
 * A change of any layout in this folder is a new BG_ABI.
 */
#define BG_ABI 2

#define BG_RULES_MAX 256
#define BG_ADDRS_MAX 192 /* different addresses in one policy; what is left of 16 KiB */
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

/* What a packed rule asks of a bind; 14 bits. A rule matches a request whose bits of TCP to IP6 are all among its own. */
enum bg_rule_flags {
	BG_RULE_TCP = 1 << BG_TCP,
	BG_RULE_UDP = 1 << BG_UDP,
	BG_RULE_IP4 = 1 << 2, /* IPv4, and IPv4 mapped into IPv6 */
	BG_RULE_IP6 = 1 << 3,
	BG_RULE_ADDR = 1 << 4,
	BG_RULE_TARGET = 1 << 5, /* a rewrite to another address */
	BG_RULE_UID = 1 << 6,
	BG_RULE_GID = 1 << 7,
	BG_RULE_FOR = 1 << 8,

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
	__u16 flags : 14;  /* enum bg_rule_flags */
	__u16 verdict : 2; /* enum bg_verdict */
	__u8 prefix;       /* leading bits of addr that must match, 0 to 128; IPv4's 32 bits are the last */
	__u8 addr;         /* index into addrs, with BG_RULE_ADDR */
	__u8 target;       /* index into addrs, with BG_RULE_TARGET */
	__u8 unused;
	__u16 first; /* ports, both ends included; 0 stands alone */
	__u16 last;
	__u16 to; /* the port that `first` is rewritten to */
	__u32 uid;
	__u32 gid;
	__u32 deadline; /* boot time in ticks; 0: never expires */
	__u32 seconds;  /* the for= that the deadline was made from */
	__u32 unused2;  /* for one more qualifier */
};

/* A tick is 2^26 ns, some 67 ms: deadlines of nine years after boot fit 32 bits. */
#define BG_TICK_SHIFT 26

/* Who decides, and counts: a rule, by its slot, which stays its own while the policy around it changes; or one of these.
 * The default has two, so that a change of it moves no past count. */
enum bg_slot {
	BG_SLOT_PASSED = BG_RULES_MAX, /* by default */
	BG_SLOT_DENIED,                /* by default */
	BG_SLOT_BYPASSED,              /* a bind that bindgate has no say in */
	BG_SLOTS,
};

/* What is to be done with a bind to some port: it is decided, by a slot and with a verdict; or the rules are tried one by
 * one, from a place in their order on. */
enum bg_entry {
	BG_ENTRY_SLOT = 0x1ff, /* mask: the slot, or the place */
	BG_ENTRY_SCAN = 1 << 9,
	BG_ENTRY_VERDICT = 10, /* shift */
};

/*
 * All ports are cut where any rule begins or ends. A leaf holds BG_LEAF_BORDERS of the borders, ascending, and the entries
 * of the segments around them: entry s is that of the ports from border s - 1 to border s, that one not included. The
 * border after a leaf's last, before the next one's first, is in a mid: BG_MID_BORDERS of these in each, and the one after
 * them in the root. A policy of one leaf, as most are, needs neither.
 *
 * Borders lie three to a word, each in a lane of 21 bits, so that one subtraction compares three; and a leaf is one cache
 * line, so that a bind reads as few of them as can be. A lane that is not in use holds BG_NO_BORDER.
 */
#define BG_LANES 3
#define BG_LANE_BITS 21
#define BG_ROOT_WORDS 3
#define BG_MID_WORDS 2
#define BG_LEAF_WORDS 3
#define BG_MIDS 12 /* two more than the root tells apart, so that leaves begin with a cache line */
#define BG_MID_BORDERS (BG_MID_WORDS * BG_LANES)
#define BG_LEAF_BORDERS (BG_LEAF_WORDS * BG_LANES)
#define BG_LEAF_SEGMENTS (BG_LEAF_BORDERS + 1)
#define BG_LEAVES 52
#define BG_BORDERS_MAX (2 * BG_RULES_MAX + 1) /* two a rule, and port 1: port 0 is a segment of its own */
#define BG_NO_BORDER 0x1ffff
#define BG_LANE(number) /* the same in each lane of a word */ \
	((__u64)(number) * (1ULL | 1ULL << BG_LANE_BITS | 1ULL << 2 * BG_LANE_BITS))
struct bg_leaf {
	__u64 borders[BG_LEAF_WORDS];
	__u16 entries[BG_LEAF_SEGMENTS][BG_PROTOCOLS]; /* enum bg_entry */
};

/* What the counters, which only grow, held when their rules came and went. */
struct bg_counted {
	__u64 retired[BG_VERDICTS];       /* hits of rules that are gone and whose slot another rule has */
	__u32 base[BG_RULES_MAX];         /* a slot's count when its rule came */
	__u8 counts_as[BG_RULES_MAX / 4]; /* two bits a slot: the verdict it counts for, also after its rule went */
};

struct bg_portmap {
	/* With the 16 bytes that the kernel puts before it, the first cache line: what every bind reads. */
	__u16 abi;            /* BG_ABI; 0: no policy */
	__u8 default_verdict; /* verdict where no rule matches: BG_PASS or BG_DENY */
	__u8 netns;           /* enum bg_netns */
	__u8 audit;           /* denies are counted and reported, not enforced */
	__u8 inputs;          /* enum bg_inputs */
	__u8 depth;           /* 0: one leaf; 1: and root; 2: and mids */
	__u8 unused;
	__u32 counter; /* where the gate's counters are: see bg_counts */
	__u16 rules_count;
	__u16 addrs_count;
	__u64 cgroup; /* id of the gate's cgroup */
	__u64 root[BG_ROOT_WORDS];

	/* With these, the first page: what a bind of a plain rule reads. */
	__u64 mids[BG_MIDS][BG_MID_WORDS];
	struct bg_leaf leaves[BG_LEAVES];

	struct bg_packed_rule rules[BG_RULES_MAX]; /* by slot */
	__u8 order[BG_RULES_MAX];                  /* the slots, in the order of the rules */
	struct bg_addr addrs[BG_ADDRS_MAX];

	/* For user space alone. */
	struct bg_counted counted;
	char owner[BG_OWNER_MAX]; /* who keeps the gate: "cli", "bindgated", … */
	char label[BG_LABEL_MAX];
};

/*
 * A gate's counters; a bind counts once. They are not in the port map, since a swap would lose what is counted meanwhile,
 * and not one a CPU: counter N is element N % BG_CHUNK of chunk N / BG_CHUNK. Chunks are made when there is need.
 */
#define BG_CHUNK 64
#define BG_CHUNKS 256

struct bg_counts {
	__u64 gate; /* id of its cgroup: whose they are */
	__u64 hits[BG_SLOTS];
};

#define BG_IN_LINE(member) ((offsetof(struct bg_portmap, member) + 16) % 64)
static_assert(sizeof(struct bg_addr) == 16, "bg_addr is part of the ABI");
static_assert(sizeof(struct bg_packed_rule) == 32, "bg_packed_rule is part of the ABI");
static_assert(sizeof(struct bg_portmap) == 16368, "bg_portmap is part of the ABI");
/* The kernel puts 16 bytes before it, and above 16 KiB would take twice as much, in one piece, without waiting. */
static_assert(sizeof(struct bg_portmap) + 16 <= 16384, "a port map and its header must fit an order-2 allocation");
static_assert(sizeof(struct bg_leaf) == 64 && BG_IN_LINE(leaves) == 0, "a leaf is a cache line");
static_assert(BG_IN_LINE(rules) % 32 == 0 && BG_IN_LINE(mids) % 16 == 0, "no rule, no mid lies in two cache lines");
static_assert(BG_LEAVES * BG_LEAF_SEGMENTS > BG_BORDERS_MAX && BG_MIDS > BG_ROOT_WORDS * BG_LANES &&
		      (BG_ROOT_WORDS * BG_LANES + 1) * (BG_MID_BORDERS + 1) >= BG_LEAVES,
	      "the leaves hold all borders, and root and mids those between the leaves");
static_assert(sizeof(struct bg_counts) == 2080, "bg_counts is part of the ABI");

#endif
