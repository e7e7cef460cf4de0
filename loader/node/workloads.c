// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/workloads.h"

#include "base/clock.h"
#include "base/need.h"
#include "node/cgroup_watch.h"
#include "node/pods.h"
#include "node/source/source.h"
#include "node/stats.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_S 0.005 /* a new pod's cgroup is there some 100 ms before the runtime lists its sandbox */
#define PATIENT_S 0.3 /* from here on it is likely a cgroup that a pod left behind */
#define MOST_S 60.0
#define GOING_S 5.0 /* the runtime may still list a pod that is gone */

struct workloads {
	struct desired *desired;
	void (*updated)(void *arg);
	void *arg;
	const struct bg_config *config;
	struct pods *pods;
	char *socket, *kubepods; /* as configured; socket NULL: there is no source */
	char **patterns;
	unsigned int inner, patterns_count;
	const struct source *source;
	void *state; /* of the source */
	bool told, failed;
	double going_until; /* of bg_clock_seconds() */
	double ask_again;   /* seconds until the source is asked again for pods that it did not know */
};

static void set_text(char **text, const char *now)
{
	char *copy = now ? bg_need(strdup(now)) : NULL;

	free(*text);
	*text = copy;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

struct workloads *workloads_open(struct desired *desired, void (*updated)(void *arg), void *arg)
{
	struct workloads *workloads = bg_need(calloc(1, sizeof(*workloads)));

	*workloads = (struct workloads){
		.desired = desired, .updated = updated, .arg = arg, .pods = pods_open(desired), .ask_again = FIRST_S
	};
	return workloads;
}

static void close_source(struct workloads *workloads)
{
	if (workloads->source)
		workloads->source->close(workloads->state);
	workloads->source = NULL;
	workloads->failed = false;
}

void workloads_close(struct workloads *workloads)
{
	if (!workloads)
		return;
	close_source(workloads);
	pods_close(workloads->pods);
	pods_free_patterns(workloads->patterns, workloads->patterns_count);
	free(workloads->socket);
	free(workloads->kubepods);
	free(workloads);
}

static void ask(struct workloads *workloads, double seconds)
{
	if (workloads->source)
		workloads->source->ask(workloads->state, seconds);
}

void workloads_ask(struct workloads *workloads)
{
	ask(workloads, 0);
}

/* Pods whose cgroup is there before the engine tells of them are asked for again and again, ever more slowly. */
static void listed(const struct workload *each, size_t count, void *arg)
{
	struct workloads *workloads = arg;
	__u64 before = stats_failures();
	unsigned int unknown = pods_update(workloads->pods, workloads->config, each, count);

	workloads->failed = stats_failures() != before;
	workloads->updated(workloads->arg);
	if (!workloads->told && !workloads->failed) {
		workloads->told = true;
		desired_collect(workloads->desired);
		desired_rest(workloads->desired);
	}
	if (!unknown && bg_clock_seconds() > workloads->going_until) {
		workloads->ask_again = FIRST_S;
		return;
	}
	if (workloads->ask_again < MOST_S)
		ask(workloads, workloads->ask_again);
	workloads->ask_again *= !unknown ? 1.5 : workloads->ask_again < PATIENT_S ? 1.02 : 2;
}

/* Without a runtime to ask, pods are left to the hook (bindgate oci-hook). */
void workloads_configure(struct workloads *workloads, const struct bg_config *config)
{
	const char *socket = config->pods_count ? config->daemon.cri : NULL;
	const char *kubepods = config->daemon.kubepods;
	const struct source_calls calls = { .listed = listed, .arg = workloads };
	bool changed = !workloads->config || !same_text(socket, workloads->socket) ||
		       !same_text(kubepods, workloads->kubepods);

	workloads->config = config;
	if (!changed)
		return;
	close_source(workloads);
	set_text(&workloads->socket, socket);
	set_text(&workloads->kubepods, kubepods);
	pods_free_patterns(workloads->patterns, workloads->patterns_count);
	workloads->patterns = NULL;
	workloads->inner = workloads->patterns_count = 0;
	if (!socket) {
		pods_forget(workloads->pods);
		return;
	}
	workloads->patterns = pods_patterns(kubepods, &workloads->inner, &workloads->patterns_count);
	workloads->source = &source_cri;
	workloads->state = workloads->source->open(socket, &calls);
	workloads->ask_again = FIRST_S;
}

char *const *workloads_patterns(const struct workloads *workloads, unsigned int *count)
{
	*count = workloads->patterns_count;
	return workloads->patterns;
}

void workloads_appeared(struct workloads *workloads, const char *path, unsigned int pattern)
{
	if (pattern < workloads->inner && pods_appeared(workloads->pods, path)) {
		workloads->ask_again = FIRST_S;
		ask(workloads, 0);
	}
}

static bool is_within_one(const struct workloads *workloads, const char *path)
{
	for (unsigned int i = workloads->inner; i < workloads->patterns_count; i++)
		if (cgroup_watch_matches(workloads->patterns[i], path))
			return true;
	return false;
}

/* Where a container went, the sandbox may have gone with it, which the runtime tells a while later. */
void workloads_vanished(struct workloads *workloads, const char *path)
{
	if (pods_vanished(workloads->pods, path) || !is_within_one(workloads, path))
		return;
	workloads->going_until = bg_clock_seconds() + GOING_S;
	workloads->ask_again = FIRST_S;
	ask(workloads, FIRST_S);
}

bool workloads_all_told(const struct workloads *workloads)
{
	return !workloads->source || workloads->told;
}

bool workloads_failed(const struct workloads *workloads)
{
	return workloads->failed;
}

unsigned int workloads_polls(struct workloads *workloads, struct pollfd *polls, unsigned int room)
{
	return workloads->source ? workloads->source->polls(workloads->state, polls, room) : 0;
}

int workloads_timeout_ms(struct workloads *workloads)
{
	return workloads->source ? workloads->source->timeout_ms(workloads->state) : -1;
}

void workloads_run(struct workloads *workloads)
{
	if (workloads->source)
		workloads->source->run(workloads->state);
}

json_t *workloads_refused_json(const struct workloads *workloads)
{
	return pods_refused_json(workloads->pods);
}
