// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it costs to make, change and end a gate, and what memory one takes. Against the floor of each: two links made
 * and detached, one map written; `bindgate attach` as a process against `true`.
 */
#include "bench.h"
#include "gate/gate.h"
#include "gate/sweep.h"
#include "gate/programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_GATES 1000

enum what {
	LINKS,
	ATTACH,
	SWAP,
	DETACH,
	LOAD,
	TRUE,
	PROCESS,
	WHATS,
};

static const char *const names[WHATS] = {
	[LINKS] = "two links made and detached",     [ATTACH] = "attach: a new gate",
	[SWAP] = "attach: another policy",           [DETACH] = "detach",
	[LOAD] = "load and pin the programs, cold",  [TRUE] = "true, as a process",
	[PROCESS] = "bindgate attach, as a process",
};

static double best[WHATS];
static const char *binary;

static void took(enum what what, __u64 since)
{
	double us = (double)(bench_ns() - since) / 1000;

	if (best[what] == 0 || us < best[what])
		best[what] = us;
}

static void policy_of(struct bg_policy *policy, const char *rule)
{
	*policy = (struct bg_policy){ 0 };
	bench_check(bg_policy_add(policy, rule, &bench_error));
}

static struct bg_cgroup make_cgroup(const char *name)
{
	struct bg_cgroup cgroup;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", bench_cgroup, name);
	if (mkdir(path, 0755) && errno != EEXIST)
		bench_die("cannot make %s: %s", path, strerror(errno));
	bench_check(bg_cgroup_find(path, &cgroup, &bench_error));
	return cgroup;
}

static void floor_of_links(const struct bg_store *store, const struct bg_cgroup *cgroup)
{
	int fd = open(cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__u64 begin = bench_ns();
	int bind4 = bpf_link_create(store->bind4, fd, BPF_CGROUP_INET4_BIND, NULL);
	int bind6 = bpf_link_create(store->bind6, fd, BPF_CGROUP_INET6_BIND, NULL);

	bench_check(bind4);
	bench_check(bind6);
	bench_check(bpf_link_detach(bind4));
	bench_check(bpf_link_detach(bind6));
	took(LINKS, begin);
	close(bind4);
	close(bind6);
	close(fd);
}

static void life_of_a_gate(struct bg_store *store, const struct bg_cgroup *cgroup)
{
	struct bg_policy first, second;
	__u64 begin;

	policy_of(&first, "80/tcp");
	policy_of(&second, "443/tcp");
	begin = bench_ns();
	bench_check(bg_gate_attach(store, cgroup, &first, 0, &bench_error));
	took(ATTACH, begin);
	begin = bench_ns();
	bench_check(bg_gate_attach(store, cgroup, &second, 0, &bench_error));
	took(SWAP, begin);
	begin = bench_ns();
	bench_check(bg_gate_detach(store, cgroup->id, &bench_error));
	took(DETACH, begin);
}

static void cold_load(void)
{
	struct bg_store store;
	__u64 begin;

	bench_check(bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, &bench_error));
	bench_check(bg_store_remove(&store, &bench_error));
	bg_store_close(&store);
	bench_check(bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, &bench_error));
	begin = bench_ns();
	bench_check(bg_programs_load(&store, &bench_error));
	took(LOAD, begin);
	bg_store_close(&store);
}

static void process(enum what what, const char *const argv[])
{
	posix_spawn_file_actions_t silence;
	int status = 0;
	__u64 begin;
	pid_t pid;

	posix_spawn_file_actions_init(&silence);
	posix_spawn_file_actions_addopen(&silence, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	begin = bench_ns();
	if (posix_spawnp(&pid, argv[0], &silence, NULL, (char *const *)argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		bench_die("%s failed with status %d", argv[0], status);
	took(what, begin);
	posix_spawn_file_actions_destroy(&silence);
}

static void processes(const struct bg_cgroup *cgroup)
{
	const char *const nothing[] = { "true", NULL };
	const char *const attach[] = { binary, "attach", "--pin-dir", bench_pins, cgroup->path, "80/tcp", NULL };
	const char *const other[] = { binary, "attach", "--pin-dir", bench_pins, cgroup->path, "443/tcp", NULL };

	process(TRUE, nothing);
	process(PROCESS, attach);
	process(PROCESS, other);
}

/* Memory that the kernel has for its own objects, in KiB. */
static double kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	double kib = 0, value;
	char line[128], key[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63[^:]: %lf", key, &value) == 2 &&
		    (!strcmp(key, "Slab") || !strcmp(key, "Percpu")))
			kib += value;
	if (file)
		fclose(file);
	return kib;
}

/* The cgroups are there before and after: their memory is not the gates'. */
static double memory_of_a_gate(struct bg_store *store, int round)
{
	struct bg_cgroup *cgroups = bench_room(MEMORY_GATES, sizeof(*cgroups));
	struct bg_policy policy;
	double before, after;
	char name[32];

	if (!cgroups)
		abort();
	policy_of(&policy, "80/tcp");
	for (int i = 0; i < MEMORY_GATES; i++) {
		snprintf(name, sizeof(name), "memory%d-%d", round, i);
		cgroups[i] = make_cgroup(name);
	}
	sync();
	sleep(2);
	before = kernel_memory();
	for (int i = 0; i < MEMORY_GATES; i++) {
		bench_progress("memory", i, MEMORY_GATES);
		bench_check(bg_gate_attach(store, &cgroups[i], &policy, 0, &bench_error));
	}
	bench_progress("memory", MEMORY_GATES, MEMORY_GATES);
	sleep(2); /* what the swaps replaced is freed after a grace period */
	after = kernel_memory();
	for (int i = 0; i < MEMORY_GATES; i++)
		bench_check(bg_gate_detach(store, cgroups[i].id, &bench_error));
	free(cgroups);
	return (after - before) / MEMORY_GATES;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 200;
	struct bg_cgroup cgroup, other;
	struct bg_store store;
	char name[32];
	double kib = 0;

	binary = argc > 1 ? argv[1] : "build/bindgate";
	bench_begin();
	bench_check(bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, &bench_error));
	bench_check(bg_programs_load(&store, &bench_error));
	for (int round = 0; round < 3; round++) {
		double now = memory_of_a_gate(&store, round);

		kib = round == 0 || now < kib ? now : kib;
	}
	bg_store_close(&store);
	other = make_cgroup("process");
	for (int round = 0; round < rounds; round++) {
		bench_progress("gates", round, rounds);
		if (round < 10)
			cold_load();
		bench_check(bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, &bench_error));
		bench_check(bg_programs_load(&store, &bench_error));
		snprintf(name, sizeof(name), "life%d", round);
		cgroup = make_cgroup(name); /* a fresh one: its storage is made with it */
		floor_of_links(&store, &cgroup);
		snprintf(name, sizeof(name), "gate%d", round);
		cgroup = make_cgroup(name);
		life_of_a_gate(&store, &cgroup);
		bg_store_close(&store);
		processes(&other);
		if (round < 10) {
			bench_check(bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, &bench_error));
			bench_check(bg_gate_detach(&store, other.id, &bench_error));
			bg_store_close(&store);
		}
	}
	bench_progress("gates", rounds, rounds);
	printf("%-34s %11s\n", "a gate", "min");
	for (int what = 0; what < WHATS; what++)
		printf("%-34s %8.0f us\n", names[what], best[what]);
	printf("%-34s %7.1f KiB with %ld CPUs\n", "kernel memory, of 1,000 gates each", kib,
	       sysconf(_SC_NPROCESSORS_CONF));
	bench_end();
	return 0;
}
