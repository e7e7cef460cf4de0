// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What bind(2) costs in a gate. Every case has a cgroup of its own; this process visits them in turn, round after
 * round, and times a batch of binds in each, so that what the machine does meanwhile falls on all alike. What a case
 * costs more than another is the median of their differences in the same round.
 *
 * bind [ROUNDS]                the cases below, as a table
 * bind ROUNDS [N:]CGROUP...    cgroups that stand, with N: and in them a program that compares N ports one by one (0:
 *                              only returns 3). A line a round: the ns of one bind in each
 */
#include "bench.h"
#include "gate/gate.h"
#include "gate/sweep.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 256
#define PORT 3000

struct bind_case {
	const char *name;
	int rules;          /* how many in the gate, the one of interest last */
	const char *last;   /* … that one; NULL: no gate */
	const char *outer;  /* a rule for each gate above it */
	int nested;         /* … of which there are so many */
	bool empty_program; /* no gate, but a program that returns 3 */
	bool floor;         /* … that fetches its cgroup's storage first: no gate can cost less */
	bool foreign_netns; /* a gate, but on a sibling */
	int want;           /* errno of the bind */
};

static const struct bind_case cases[] = {
	{ .name = "no program" },
	{ .name = "a program that only returns 3", .empty_program = true },
	{ .name = "a program that fetches its storage", .floor = true },
	{ .name = "gate, 1 rule, hit", .rules = 1, .last = "3000" },
	{ .name = "gate, 256 rules, hit", .rules = 256, .last = "3000" },
	{ .name = "gate, 1 rule, miss", .rules = 1, .last = "4000" },
	{ .name = "gate, 256 rules, miss", .rules = 256, .last = "4000" },
	{ .name = "gate, 1 rule, deny", .rules = 1, .last = "deny:3000", .want = EACCES },
	{ .name = "gate, 256 rules, deny", .rules = 256, .last = "deny:3000", .want = EACCES },
	{ .name = "gate, 1 rule, rewrite", .rules = 1, .last = "3000=3001" },
	{ .name = "gate, 256 rules, rewrite", .rules = 256, .last = "3000=3001" },
	{ .name = "gate, 1 rule, address", .rules = 1, .last = "127.0.0.0/8:3000" },
	{ .name = "gate, 1 rule, uid", .rules = 1, .last = "3000,uid=0" },
	{ .name = "gate on a sibling", .rules = 1, .last = "3000", .foreign_netns = true },
	{ .name = "gate below 1 more", .rules = 1, .last = "3000", .outer = "3000", .nested = 1 },
	{ .name = "gate below 4 more", .rules = 1, .last = "3000", .outer = "3000", .nested = 4 },
};
#define EMPTY 1 /* the program that only returns 3 */
#define FLOOR 2
#define CASES (sizeof(cases) / sizeof(*cases))

struct run {
	char cgroup[PATH_MAX]; /* where the binding process sits */
	double *each;          /* ns of one bind, by round */
};

/* Rules on ports of their own, so that the search has all of them to go through; then the last one. */
static void fill(struct bg_policy *policy, const struct bind_case *c)
{
	char rule[32];

	for (int i = 0; i < c->rules - 1; i++) {
		snprintf(rule, sizeof(rule), "%d/udp", 10000 + 3 * i);
		bench_check(bg_policy_add(policy, rule, &bench_error));
	}
	bench_check(bg_policy_add(policy, c->last, &bench_error));
}

static void gate(struct bg_store *store, const char *path, const struct bg_policy *policy)
{
	struct bg_cgroup cgroup;

	bench_check(bg_cgroup_find(path, &cgroup, &bench_error));
	bench_check(bg_gate_attach(store, &cgroup, policy, 0, &bench_error));
}

/* A program that compares the port with `rules` others, the one that is bound last, and lets all pass; with none it
 * only returns 3. Stays until the bench ends: its link is kept open. */
static void attach_linear(const char *path, int rules)
{
	const int count = rules + 3;
	struct bpf_insn *insns = bench_room((size_t)count, sizeof(*insns)), *next = insns;
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_BIND);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program;

	*next++ = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
				     .dst_reg = BPF_REG_2,
				     .src_reg = BPF_REG_1,
				     .off = offsetof(struct bpf_sock_addr, user_port) };
	*next++ = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 3 };
	for (int i = rules - 1; i >= 0; i--)
		*next++ = (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K,
					     .dst_reg = BPF_REG_2,
					     .off = (short)i, /* to the exit */
					     .imm = htons((unsigned short)(i ? 10000 + 3 * i : PORT)) };
	*next = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	program = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "bench_linear", "GPL", insns, (size_t)count,
				&options);
	bench_check(program);
	bench_check(bpf_link_create(program, fd, BPF_CGROUP_INET4_BIND, NULL));
	close(fd);
	free(insns);
}

/* A program that fetches its cgroup's storage and returns 3. Stays like the one above. */
static void attach_floor(const char *path)
{
	int map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "bench_floor", sizeof(__u64),
				 sizeof(struct bg_portmap), 0, NULL);
	const struct bpf_insn insns[] = {
		/* NOLINTNEXTLINE(misc-redundant-expression): both are 0, and say what they are */
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_local_storage },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_0 },
		{ .code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_ALU64 | BPF_OR | BPF_K, .dst_reg = BPF_REG_0, .imm = 3 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_BIND);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program;

	bench_check(map);
	program = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "bench_floor", "GPL", insns,
				sizeof(insns) / sizeof(*insns), &options);
	bench_check(program);
	bench_check(bpf_link_create(program, fd, BPF_CGROUP_INET4_BIND, NULL));
	close(fd);
}

static void set_up(struct bg_store *store, const struct bind_case *c, int number, struct run *run, int rounds)
{
	struct bg_policy policy = { 0 }, outer = { 0 };
	char sibling[PATH_MAX + 16];

	snprintf(run->cgroup, sizeof(run->cgroup), "%s/case%d", bench_cgroup, number);
	bench_mkdir(run->cgroup);
	if (c->outer)
		bench_check(bg_policy_add(&outer, c->outer, &bench_error));
	for (int i = 0; i < c->nested; i++) {
		gate(store, run->cgroup, &outer);
		strcat(run->cgroup, "/in");
		bench_mkdir(run->cgroup);
	}
	if (c->empty_program)
		attach_linear(run->cgroup, 0);
	if (c->floor)
		attach_floor(run->cgroup);
	if (c->last) {
		fill(&policy, c);
		snprintf(sibling, sizeof(sibling), "%s-sibling", run->cgroup);
		if (c->foreign_netns)
			bench_mkdir(sibling);
		gate(store, c->foreign_netns ? sibling : run->cgroup, &policy);
	}
	run->each = bench_room((size_t)rounds, sizeof(*run->each));
}

/* ns of one bind, over a batch of fresh sockets. */
static double batch(const struct bind_case *c)
{
	const int on = 1;
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int sockets[BATCH];
	__u64 begin, end;

	inet_pton(AF_INET, "127.0.0.1", &addr.sin_addr);
	for (int i = 0; i < BATCH; i++) {
		sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		setsockopt(sockets[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	}
	begin = bench_ns();
	for (int i = 0; i < BATCH; i++)
		if ((bind(sockets[i], (struct sockaddr *)&addr, sizeof(addr)) ? errno : 0) != c->want)
			bench_die("%s: bind gave %s", c->name, strerror(errno));
	end = bench_ns();
	for (int i = 0; i < BATCH; i++)
		close(sockets[i]);
	return (double)(end - begin) / BATCH;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The value below which the share of all lies, of `each` less `other` in the same round. */
static double at(const double *each, const double *other, int rounds, double share)
{
	double *sorted = bench_room((size_t)rounds, sizeof(*sorted)), value;

	for (int i = 0; i < rounds; i++)
		sorted[i] = each[i] - (other ? other[i] : 0);
	qsort(sorted, (size_t)rounds, sizeof(*sorted), by_value);
	value = sorted[(int)((rounds - 1) * share)];
	free(sorted);
	return value;
}

static void own_network(void)
{
	if (unshare(CLONE_NEWNET) || bench_loopback_up())
		bench_die("cannot make a network namespace: %s", strerror(errno));
}

static void visit(const struct bind_case *visited, struct run *runs, int count, int rounds)
{
	for (int round = 0; round < rounds; round++) {
		bench_progress("bind", round, rounds);
		for (int turn = 0; turn < count; turn++) {
			int i = (round + turn) % count;

			bench_enter(runs[i].cgroup);
			runs[i].each[round] = batch(&visited[i]);
		}
	}
	bench_progress("bind", rounds, rounds);
}

static void visit_named(int rounds, int count, char **names)
{
	struct bind_case *named = bench_room((size_t)count, sizeof(*named));
	struct run *runs = bench_room((size_t)count, sizeof(*runs));

	own_network();
	for (int i = 0; i < count; i++) {
		const char *path = strchr(names[i], '/');

		if (!path)
			bench_die("%s is not the path of a cgroup", names[i]);
		named[i].name = names[i];
		/* cppcheck-suppress nullPointerRedundantCheck ; bench_die does not return */
		snprintf(runs[i].cgroup, sizeof(runs[i].cgroup), "%s", path);
		if (path > names[i])
			attach_linear(path, atoi(names[i]));
		runs[i].each = bench_room((size_t)rounds, sizeof(*runs[i].each));
	}
	visit(named, runs, count, rounds);
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++)
			printf("%.1f%c", runs[i].each[round], i + 1 < count ? '\t' : '\n');
	for (int i = 0; i < count; i++)
		free(runs[i].each);
	free(runs);
	free(named);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 2000;
	struct run runs[CASES] = { 0 };
	struct bg_store store;

	if (argc > 2) {
		visit_named(rounds, argc - 2, argv + 2);
		return 0;
	}
	bench_begin();
	own_network();
	bench_check(bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, &bench_error));
	for (size_t i = 0; i < CASES; i++)
		set_up(&store, &cases[i], (int)i, &runs[i], rounds);
	visit(cases, runs, CASES, rounds);

	printf("%-34s %8s %8s %8s %12s %12s\n", "one bind(2), UDP", "min", "median", "ratio", "above empty",
	       "above floor");
	for (size_t i = 0; i < CASES; i++)
		printf("%-34s %5.0f ns %5.0f ns %7.2fx %+9.0f ns %+9.0f ns\n", cases[i].name,
		       at(runs[i].each, NULL, rounds, 0), at(runs[i].each, NULL, rounds, 0.5),
		       at(runs[i].each, NULL, rounds, 0.5) / at(runs[0].each, NULL, rounds, 0.5),
		       at(runs[i].each, runs[EMPTY].each, rounds, 0.5),
		       at(runs[i].each, runs[FLOOR].each, rounds, 0.5));
	bg_store_close(&store);
	bench_end();
	return 0;
}
