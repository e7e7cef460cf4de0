// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/workloads.h"

#include "base/clock.h"
#include "base/need.h"
#include "node/pattern.h"
#include "node/pod_cgroup.h"
#include "node/pods.h"
#include "node/say.h"
#include "node/stats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_S 0.005 /* a new pod's cgroup is there some 100 ms before the runtime lists its sandbox */
#define PATIENT_S 0.3 /* from here on it is likely a cgroup that a pod left behind */
#define MOST_S 60.0
#define GOING_S 5.0 /* the runtime may still list a pod that is gone */
#define LOOK_S 10.0 /* between looks for engines that are not there */

/* Where engines listen unless they are told otherwise. */
static const struct known {
	const struct source *source;
	const char *socket;
} known[] = {
	{ &source_nri, "/var/run/nri/nri.sock" },
	{ &source_cri, "/run/containerd/containerd.sock" },
	{ &source_cri, "/run/crio/crio.sock" },
	{ &source_cri, "/run/k3s/containerd/containerd.sock" }, /* RKE2's too */
	{ &source_cri, "/run/k0s/containerd.sock" },
	{ &source_cri, "/var/snap/microk8s/common/run/containerd.sock" },
	{ &source_cri, "/run/cri-dockerd.sock" },
};
#define KNOWN (sizeof(known) / sizeof(*known))

struct workloads {
	struct desired *desired;
	void (*updated)(void *arg);
	void *arg;
	const struct bg_config *config;
	struct pods *pods;
	char *cri, *nri, *kubepods; /* as configured */
	bool serves;                /* are pods declared? */
	char **patterns;
	unsigned int inner, patterns_count;
	struct engine engines[KNOWN];
	unsigned int engines_count;
	bool failed, collected;
	double going_until; /* of bg_clock_seconds(), as is: */
	double look_due;
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

	*workloads =
		(struct workloads){ .desired = desired, .updated = updated, .arg = arg, .pods = pods_open(desired) };
	return workloads;
}

static void close_engines(struct workloads *workloads)
{
	for (unsigned int i = 0; i < workloads->engines_count; i++) {
		engine_close(&workloads->engines[i]);
		free(workloads->engines[i].socket);
	}
	workloads->engines_count = 0;
	workloads->failed = false;
}

void workloads_close(struct workloads *workloads)
{
	if (!workloads)
		return;
	close_engines(workloads);
	pods_close(workloads->pods);
	pod_cgroup_free_patterns(workloads->patterns, workloads->patterns_count);
	free(workloads->cri);
	free(workloads->nri);
	free(workloads->kubepods);
	free(workloads);
}

/* ---- what the sources tell ---- */

/* Is there a runtime that tells of each pod before it runs? */
static bool is_waited_for(const struct workloads *workloads)
{
	for (unsigned int i = 0; i < workloads->engines_count; i++)
		if (workloads->engines[i].source == &source_nri && engine_is_heard(&workloads->engines[i]))
			return true;
	return false;
}

/* NRI and CRI tell of the same pods; it is CRI that several engines may have. */
static bool all_told(const struct workloads *workloads)
{
	bool any = !workloads->serves;

	for (unsigned int i = 0; i < workloads->engines_count; i++) {
		const struct engine *engine = &workloads->engines[i];

		if (engine->source == &source_cri && engine->state && !engine->told)
			return false;
		any |= engine->told;
	}
	return any;
}

static bool is_pods_gate(const char *path, void *arg)
{
	char uid[POD_UID_MAX + 1];

	(void)arg;
	return pod_cgroup_uid(path, uid);
}

void workloads_collect(struct workloads *workloads)
{
	desired_collect(workloads->desired, all_told(workloads) ? NULL : is_pods_gate, NULL);
}

static void settle(struct workloads *workloads, __u64 before)
{
	workloads->failed = stats_failures() != before;
	workloads->updated(workloads->arg);
	if (workloads->collected || workloads->failed || !all_told(workloads))
		return;
	workloads->collected = true;
	pods_drop_stale(workloads->pods);
	desired_collect(workloads->desired, NULL, NULL);
	desired_rest(workloads->desired);
}

/* What was done for one: it says nothing of the others. */
static void settle_one(struct workloads *workloads, __u64 before)
{
	if (stats_failures() == before)
		return;
	workloads->failed = true;
	workloads->updated(workloads->arg);
}

static unsigned int index_of(const struct engine *engine)
{
	return (unsigned int)(engine - engine->workloads->engines);
}

static double first_s(const struct workloads *workloads)
{
	return is_waited_for(workloads) ? 1 : FIRST_S;
}

static void ask(struct engine *engine, double seconds)
{
	if (engine->state)
		engine->source->ask(engine->state, seconds);
}

/* Pods whose cgroup is there before the engine tells of them are asked for again and again, ever more slowly: it may
 * wait for a secret, or pull an image, for hours. */
static void ask_again(struct engine *engine)
{
	bool unknown = pods_unknown(engine->workloads->pods);

	if (!unknown && bg_clock_seconds() > engine->workloads->going_until) {
		engine->ask_again = first_s(engine->workloads);
		return;
	}
	ask(engine, engine->ask_again);
	if (engine->ask_again < MOST_S)
		engine->ask_again *= !unknown ? 1.5 : engine->ask_again < PATIENT_S ? 1.02 : 2;
}

static void listed(const struct workload *each, size_t count, void *arg)
{
	struct engine *engine = arg;
	__u64 before = stats_failures();

	engine->told = true;
	pods_listed(engine->workloads->pods, index_of(engine), each, count);
	settle(engine->workloads, before);
	ask_again(engine);
}

static int began(const struct workload *workload, enum workload_stage stage, struct bg_error *error, void *arg)
{
	struct engine *engine = arg;
	struct workloads *workloads = engine->workloads;
	__u64 before = stats_failures();
	int err = pods_began(workloads->pods, index_of(engine), workload, stage, error);

	settle_one(workloads, before);
	return err;
}

static void ended(const struct workload *workload, void *arg)
{
	struct engine *engine = arg;
	__u64 before = stats_failures();

	pods_ended(engine->workloads->pods, index_of(engine), workload);
	settle_one(engine->workloads, before);
}

/* ---- which engines there are ---- */

static bool is_socket(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISSOCK(st.st_mode);
}

/* Opens those whose sockets came, and closes those whose sockets went. */
static void look_for_engines(struct workloads *workloads)
{
	workloads->look_due = 0;
	for (unsigned int i = 0; i < workloads->engines_count; i++) {
		struct engine *engine = &workloads->engines[i];
		const struct source_calls calls = {
			.listed = listed, .began = began, .ended = ended, .arg = engine
		};
		bool there = engine->given || is_socket(engine->socket);

		if (there && !engine->state) {
			engine->ask_again = FIRST_S;
			engine->state = engine->source->open(engine->socket, &calls);
			engine_note(engine);
		} else if (!there && engine->state && engine->source->problem(engine->state)) {
			engine_close(engine);
		}
		if (!engine->given)
			workloads->look_due = bg_clock_seconds() + LOOK_S;
	}
}

/* given: a path, "none", or NULL for where such engines usually are. */
static void add_engines(struct workloads *workloads, const struct source *source, const char *given)
{
	for (unsigned int i = 0; i < KNOWN && !same_text(given, "none"); i++) {
		const char *socket = given ? given : known[i].socket;

		if (known[i].source != source)
			continue;
		socket = strncmp(socket, "unix://", 7) ? socket : socket + 7;
		workloads->engines[workloads->engines_count++] = (struct engine){
			.workloads = workloads, .source = source, .socket = bg_need(strdup(socket)), .given = given
		};
		if (given)
			break;
	}
}

/* Where no engine is found, pods are left to the hook (bindgate oci-hook). */
void workloads_configure(struct workloads *workloads, const struct bg_config *config)
{
	const struct bg_declared_daemon *daemon = &config->daemon;
	bool changed = !workloads->config || workloads->serves != (config->pods_count > 0) ||
		       !same_text(daemon->cri, workloads->cri) || !same_text(daemon->nri, workloads->nri) ||
		       !same_text(daemon->kubepods, workloads->kubepods);

	workloads->config = config;
	pods_configure(workloads->pods, config);
	if (!changed)
		return;
	close_engines(workloads);
	set_text(&workloads->cri, daemon->cri);
	set_text(&workloads->nri, daemon->nri);
	set_text(&workloads->kubepods, daemon->kubepods);
	pod_cgroup_free_patterns(workloads->patterns, workloads->patterns_count);
	workloads->patterns = NULL;
	workloads->inner = workloads->patterns_count = 0;
	workloads->look_due = 0;
	workloads->serves = config->pods_count > 0;
	workloads->collected = false;
	if (!workloads->serves) {
		pods_forget(workloads->pods);
		return;
	}
	pods_make_stale(workloads->pods);
	workloads->patterns = pod_cgroup_patterns(daemon->kubepods, &workloads->inner, &workloads->patterns_count);
	add_engines(workloads, &source_nri, daemon->nri);
	add_engines(workloads, &source_cri, daemon->cri);
	look_for_engines(workloads);
}

char *const *workloads_patterns(const struct workloads *workloads, unsigned int *count)
{
	*count = workloads->patterns_count;
	return workloads->patterns;
}

/* ---- cgroups ---- */

static void ask_all(struct workloads *workloads, double seconds)
{
	for (unsigned int i = 0; i < workloads->engines_count; i++) {
		workloads->engines[i].ask_again = first_s(workloads);
		ask(&workloads->engines[i], seconds);
	}
}

void workloads_appeared(struct workloads *workloads, const char *path, unsigned int pattern)
{
	/* what comes within a pod is its sandbox's, which the engine is about to list */
	bool unknown = pattern < workloads->inner ? pods_appeared(workloads->pods, path)
						  : pods_is_unknown(workloads->pods, path);

	if (!unknown)
		return;
	ask_all(workloads, is_waited_for(workloads) ? first_s(workloads) : 0);
	if (workloads->look_due)
		workloads->look_due = bg_clock_seconds(); /* perhaps it is of an engine that is new here */
}

static bool is_within_one(const struct workloads *workloads, const char *path)
{
	for (unsigned int i = workloads->inner; i < workloads->patterns_count; i++)
		if (pattern_matches(workloads->patterns[i], path))
			return true;
	return false;
}

/* Where a container went, the sandbox may have gone with it, which the runtime tells a while later. */
void workloads_vanished(struct workloads *workloads, const char *path)
{
	if (pods_vanished(workloads->pods, path) || !is_within_one(workloads, path))
		return;
	workloads->going_until = bg_clock_seconds() + GOING_S;
	ask_all(workloads, first_s(workloads));
}

void workloads_update(struct workloads *workloads)
{
	__u64 before = stats_failures();

	if (!workloads->serves)
		return;
	pods_update(workloads->pods);
	settle(workloads, before);
}

void workloads_ask(struct workloads *workloads)
{
	workloads_update(workloads);
	ask_all(workloads, 0);
}

bool workloads_failed(const struct workloads *workloads)
{
	return workloads->failed;
}

/* ---- waiting ---- */

unsigned int workloads_polls(struct workloads *workloads, struct pollfd *polls, unsigned int room)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < workloads->engines_count; i++) {
		struct engine *engine = &workloads->engines[i];

		if (engine->state)
			count += engine->source->polls(engine->state, polls + count, room - count);
	}
	return count;
}

int workloads_timeout_ms(struct workloads *workloads)
{
	int timeout = bg_clock_ms_until(workloads->look_due);

	for (unsigned int i = 0; i < workloads->engines_count; i++) {
		struct engine *engine = &workloads->engines[i];
		int ms = engine->state ? engine->source->timeout_ms(engine->state) : -1;

		if (ms >= 0 && (timeout < 0 || ms < timeout))
			timeout = ms;
	}
	return timeout;
}

void workloads_run(struct workloads *workloads)
{
	for (unsigned int i = 0; i < workloads->engines_count; i++)
		if (workloads->engines[i].state) {
			workloads->engines[i].source->run(workloads->engines[i].state);
			engine_note(&workloads->engines[i]);
		}
	if (workloads->look_due > 0 && workloads->look_due <= bg_clock_seconds())
		look_for_engines(workloads);
}

/* ---- what is told of it ---- */

const char *workloads_name(const struct workloads *workloads, const char *path)
{
	return pods_name(workloads->pods, path);
}

json_t *workloads_refused_json(const struct workloads *workloads)
{
	return pods_refused_json(workloads->pods);
}

char *workloads_missed(const struct workloads *workloads)
{
	for (unsigned int i = 0; i < workloads->engines_count; i++)
		if (engine_is_missed(&workloads->engines[i]))
			return engine_words(&workloads->engines[i]);
	return NULL;
}

void workloads_each_engine(const struct workloads *workloads, void (*each)(const struct engine *engine, void *arg),
			   void *arg)
{
	for (unsigned int i = 0; i < workloads->engines_count; i++)
		if (workloads->engines[i].state || workloads->engines[i].told)
			each(&workloads->engines[i], arg);
}

static void add_json(const struct engine *engine, void *arg)
{
	json_array_append_new(arg, engine_json(engine));
}

json_t *workloads_engines_json(const struct workloads *workloads)
{
	json_t *list = json_array();

	workloads_each_engine(workloads, add_json, list);
	return list;
}
