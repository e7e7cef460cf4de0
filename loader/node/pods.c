// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/pods.h"

#include "cgroup/cgroup.h"
#include "config/grant.h"
#include "report/json.h"
#include "node/pod_cgroup.h"
#include "node/say.h"
#include "node/stats.h"
#include "base/hash.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_grant[] = "no grant speaks of it: its annotation " BG_GRANT_ANNOTATION
			       " asks for nothing until an entry of pods: has its namespace and labels";

#define STALE (1U << PODS_SOURCES)
#define LINGERS (STALE << 1) /* in told_by: nobody tells of it any more, but it has processes */

struct pod {
	char uid[POD_UID_MAX + 1];
	unsigned int told_by; /* a bit for each source; 0: no workload is known */
	unsigned int listing; /* the last one that it was in */
	struct workload *told;
	char *path;     /* its cgroup's, below the mount; NULL: not there yet, or no more */
	__u64 decided;  /* what its gate was made from, hashed; 0: not yet */
	char *refused;  /* why its request is; NULL: it is not */
	char name[300]; /* namespace/name, once known */
	bool warned;    /* of an annotation that means nothing */
};

struct grant {
	bool ready;
	struct bg_grant grant;
};

struct pods {
	struct desired *desired;
	const struct bg_config *config;
	struct grant *grants; /* of config->pods */
	unsigned int grants_count;
	unsigned int listing; /* counts what sources tell */
	void *by_uid;         /* a tree of struct pod, as tsearch(3) has it */
};

static int by_uid(const void *a, const void *b)
{
	const struct pod *x = a, *y = b;

	return strcmp(x->uid, y->uid);
}

struct pods *pods_open(struct desired *desired)
{
	struct pods *pods = bg_need(calloc(1, sizeof(*pods)));

	pods->desired = desired;
	return pods;
}

static void set_decided(struct pod *pod, __u64 decided)
{
	stats.pods_now += (unsigned int)!!decided - (unsigned int)!!pod->decided;
	pod->decided = decided;
}

static void free_pod(void *arg)
{
	struct pod *pod = arg;

	set_decided(pod, 0);
	free(pod->refused);
	free(pod->told);
	free(pod->path);
	free(pod);
}

static void free_grants(struct pods *pods)
{
	for (unsigned int i = 0; i < pods->grants_count; i++)
		bg_grant_free(&pods->grants[i].grant);
	free(pods->grants);
	pods->grants = NULL;
	pods->grants_count = 0;
}

void pods_close(struct pods *pods)
{
	if (!pods)
		return;
	tdestroy(pods->by_uid, free_pod);
	free_grants(pods);
	free(pods);
}

static struct pod *find(struct pods *pods, const char *uid, bool make)
{
	struct pod *key = bg_need(calloc(1, sizeof(*key))), *result;
	void *found;

	snprintf(key->uid, sizeof(key->uid), "%s", uid);
	found = make ? bg_need(tsearch(key, &pods->by_uid, by_uid)) : tfind(key, &pods->by_uid, by_uid);
	result = found ? *(struct pod **)found : NULL;
	if (result != key)
		free(key);
	return result;
}

static void set_refused(struct pod *pod, const char *why)
{
	stats.pods_refused_now += (unsigned int)!!why - (unsigned int)!!pod->refused;
	if (why && (!pod->refused || strcmp(pod->refused, why))) {
		stats.pods_refused++;
		say(LOG_WARNING, "pod %s: refused: %s", pod->name, why);
	}
	if (why != pod->refused) {
		char *copy = why ? bg_need(strdup(why)) : NULL;

		free(pod->refused);
		pod->refused = copy;
	}
}

static void drop(struct pods *pods, struct pod *pod)
{
	tdelete(pod, &pods->by_uid, by_uid);
	free_pod(pod);
}

/* ---- what sources tell ---- */

static bool is_populated(const char *path)
{
	struct bg_cgroup cgroup;
	char file[sizeof(cgroup.path) + 16], line[64];
	bool populated = false;
	FILE *events;

	if (bg_cgroup_find(path, &cgroup, NULL))
		return false;
	snprintf(file, sizeof(file), "%s/cgroup.events", cgroup.path);
	events = fopen(file, "re");
	while (events && fgets(line, sizeof(line), events))
		populated |= !strcmp(line, "populated 1\n");
	if (events)
		fclose(events);
	return populated;
}

/* false: somebody else knows it still, or it has processes. */
static bool untell(struct pods *pods, struct pod *pod, unsigned int bits)
{
	if (!(pod->told_by & bits))
		return false;
	pod->told_by &= ~bits;
	if (!pod->told_by && pod->path && is_populated(pod->path))
		pod->told_by = LINGERS;
	if (pod->told_by)
		return false;
	set_refused(pod, NULL);
	free(pod->told);
	pod->told = NULL;
	set_decided(pod, 0);
	if (pod->path)
		desired_unwant(pods->desired, pod->path);
	else
		drop(pods, pod);
	return true;
}

/* ---- gates ---- */

static int prepare(struct pods *pods, unsigned int grant, struct bg_error *error)
{
	struct grant *prepared = &pods->grants[grant];
	int err;

	if (prepared->ready)
		return 0;
	bg_grant_free(&prepared->grant);
	err = bg_grant_prepare(pods->config->pods[grant], DESIRED_OWNER, &prepared->grant, error);
	prepared->ready = !err;
	return err;
}

void pods_configure(struct pods *pods, const struct bg_config *config)
{
	struct bg_error error;

	free_grants(pods);
	pods->config = config;
	pods->grants_count = config->pods_count;
	pods->grants = bg_need(calloc(config->pods_count + 1UL, sizeof(*pods->grants)));
	for (unsigned int i = 0; i < config->pods_count; i++)
		prepare(pods, i, &error); /* where that fails, it is tried again for each pod */
}

static const char *request_of(const struct pod *pod)
{
	return bg_grant_request(pod->told->annotations, pod->told->annotations_count);
}

/* Its number; config->pods_count: none speaks of it. */
static unsigned int grant_of(const struct bg_config *config, const struct workload *workload)
{
	unsigned int i = 0;

	while (i < config->pods_count &&
	       !bg_grant_matches(config->pods[i], workload->namespace, workload->labels, workload->labels_count))
		i++;
	return i;
}

/* Names the pod where gates are listed, unless the grant has a label of its own. */
static void set_label(struct bg_policy *policy, const char *name)
{
	char label[BG_LABEL_MAX];

	snprintf(label, sizeof(label), "%.127s", name);
	if (!*policy->label)
		bg_policy_set_label(policy, label, NULL);
}

/* 0: the gate stands, or none is asked for. -EACCES: what is asked for is refused; what is given outright stands. */
static int gate_pod(struct pods *pods, struct pod *pod, unsigned int grant, struct bg_error *error)
{
	const char *request = request_of(pod);
	struct bg_policy policy;
	__u64 decided;
	int refused, err;

	decided = bg_hash(BG_HASH_START, &pods->config->serial, sizeof(pods->config->serial));
	decided = bg_hash(decided, &grant, sizeof(grant));
	decided = bg_hash(decided, request ? request : "", request ? strlen(request) + 1 : 0);
	if (decided == pod->decided && desired_want_still(pods->desired, FROM_PODS, pod->path))
		return pod->refused ? bg_error(error, -EACCES, "%s", pod->refused) : 0;
	set_decided(pod, 0);
	err = prepare(pods, grant, error);
	refused = err ? err : bg_grant_ask(&pods->grants[grant].grant, request, &policy, error);
	if (refused)
		bg_grant_explain(pods->config->pods[grant], error);
	set_refused(pod, refused ? error->text : NULL);
	if (err || (refused && refused != -EACCES)) { /* a user that went meanwhile: what stands, stays */
		desired_want_still(pods->desired, FROM_PODS, pod->path);
		return refused;
	}
	if (refused && !policy.count && policy.default_verdict == BG_PASS)
		return refused; /* nothing is given outright: it is as if nothing spoke of it */
	set_label(&policy, pod->name);
	err = desired_want(pods->desired, FROM_PODS, pod->path, &policy, false);
	if (!err)
		set_decided(pod, decided);
	else if (!refused)
		bg_error(error, err, "its gate cannot be had: %s", strerror(-err));
	return refused ? refused : err;
}

/* A cgroup that the engine names is the pod's where the pod's uid is in its name: no source can have any other gated. */
static void find_path(struct pod *pod)
{
	const char *cgroup = pod->told->cgroup;
	char uid[POD_UID_MAX + 1];
	struct bg_cgroup found;

	if (!pod->path && cgroup && pod_cgroup_uid(cgroup, uid) && !strcmp(uid, pod->uid) &&
	    !bg_cgroup_find(cgroup, &found, NULL))
		pod->path = bg_need(strdup(cgroup));
}

static int consider(struct pods *pods, struct pod *pod, enum workload_stage stage, struct bg_error *error)
{
	unsigned int grant = grant_of(pods->config, pod->told);
	const int *on_refusal;
	int err;

	if (grant == pods->config->pods_count) {
		set_refused(pod, request_of(pod) ? no_grant : NULL);
		return 0;
	}
	find_path(pod);
	if (pod->path)
		err = gate_pod(pods, pod, grant, error);
	else
		err = stage == WORKLOAD_RUNS ? bg_error(error, -ENOENT, "its cgroup is not found") : 0;
	on_refusal = pods->config->pods[grant]->on_refusal;
	return on_refusal && *on_refusal == BG_REFUSAL_BLOCK ? err : 0;
}

bool pods_appeared(struct pods *pods, const char *path)
{
	struct bg_error error;
	char uid[POD_UID_MAX + 1];
	struct pod *pod;

	if (!pod_cgroup_uid(path, uid))
		return false;
	pod = find(pods, uid, true);
	if (!pod->path)
		pod->path = bg_need(strdup(path));
	if (!pod->told_by)
		return true;
	if (!strcmp(pod->path, path))
		consider(pods, pod, WORKLOAD_BEGINS, &error);
	return false;
}

bool pods_is_unknown(struct pods *pods, const char *path)
{
	char uid[POD_UID_MAX + 1];
	const struct pod *pod = pod_cgroup_uid_above(path, uid) ? find(pods, uid, false) : NULL;

	return pod && !pod->told_by;
}

bool pods_vanished(struct pods *pods, const char *path)
{
	char uid[POD_UID_MAX + 1];
	struct pod *pod = pod_cgroup_uid(path, uid) ? find(pods, uid, false) : NULL;

	if (!pod || !pod->path || strcmp(pod->path, path))
		return false;
	free(pod->path);
	pod->path = NULL;
	pod->told_by &= ~LINGERS;
	set_decided(pod, 0);
	set_refused(pod, NULL);
	if (!pod->told_by)
		drop(pods, pod);
	return true;
}

/* ---- going through all ---- */

struct list {
	struct pod **each;
	size_t count;
};

static void collect_pod(const void *node, VISIT visit, void *arg)
{
	struct list *list = arg;

	if (visit != postorder && visit != leaf)
		return;
	if (!(list->count & (list->count - 1)))
		list->each = bg_need(reallocarray(list->each, 2 * list->count + 1, sizeof(struct pod *)));
	list->each[list->count++] = *(struct pod *const *)node;
}

static struct list all_pods(const struct pods *pods)
{
	struct list list = { 0 };

	twalk_r(pods->by_uid, collect_pod, &list);
	return list;
}

static void untell_all(struct pods *pods, unsigned int bits)
{
	struct list all = all_pods(pods);

	for (size_t i = 0; i < all.count; i++)
		untell(pods, all.each[i], bits);
	free(all.each);
}

void pods_update(struct pods *pods)
{
	struct list all = all_pods(pods);
	struct bg_error error;

	desired_begin_pass(pods->desired, FROM_PODS);
	for (size_t i = 0; i < all.count; i++)
		if (all.each[i]->told_by)
			consider(pods, all.each[i], WORKLOAD_BEGINS, &error);
	desired_end_pass(pods->desired, FROM_PODS, NULL, NULL);
	desired_rest(pods->desired);
	free(all.each);
}

static void warn_of_annotations(struct pod *pod)
{
	const struct workload *workload = pod->told;
	const char *key = bg_grant_misspelt(workload->annotations, workload->annotations_count);

	if (key && !pod->warned)
		say(LOG_WARNING,
		    "pod %s: its annotation \"%.128s\" means nothing: is " BG_GRANT_ANNOTATION " meant?", pod->name,
		    key);
	pod->warned = key;
}

static struct pod *take(struct pods *pods, unsigned int source, const struct workload *workload)
{
	struct pod *pod;

	if (!*workload->id || strlen(workload->id) > POD_UID_MAX)
		return NULL;
	pod = find(pods, workload->id, true);
	if (pod->listing == pods->listing) /* an older run of the same pod */
		return pod;
	pod->listing = pods->listing;
	free(pod->told);
	pod->told = workload_copy(workload);
	pod->told_by = (pod->told_by | 1U << source) & ~(STALE | LINGERS);
	snprintf(pod->name, sizeof(pod->name), "%.140s/%.140s", workload->namespace, workload->name);
	warn_of_annotations(pod);
	return pod;
}

void pods_listed(struct pods *pods, unsigned int source, const struct workload *workloads, size_t count)
{
	struct list all;

	pods->listing++;
	for (size_t i = 0; i < count; i++)
		take(pods, source, &workloads[i]);
	all = all_pods(pods);
	for (size_t i = 0; i < all.count; i++)
		if (all.each[i]->listing != pods->listing)
			untell(pods, all.each[i], 1U << source | LINGERS);
	free(all.each);
	pods_update(pods);
}

int pods_began(struct pods *pods, unsigned int source, const struct workload *workload, enum workload_stage stage,
	       struct bg_error *error)
{
	struct pod *pod;
	int err;

	pods->listing++;
	pod = take(pods, source, workload);
	err = pod ? consider(pods, pod, stage, error) : 0;
	desired_rest(pods->desired);
	return err;
}

void pods_ended(struct pods *pods, unsigned int source, const struct workload *workload)
{
	struct pod *pod = strlen(workload->id) > POD_UID_MAX ? NULL : find(pods, workload->id, false);

	if (pod && pod->told_by && !strcmp(pod->told->run, workload->run))
		untell(pods, pod, 1U << source);
	desired_rest(pods->desired);
}

void pods_make_stale(struct pods *pods)
{
	struct list all = all_pods(pods);

	for (size_t i = 0; i < all.count; i++)
		if (all.each[i]->told_by)
			all.each[i]->told_by = STALE;
	free(all.each);
}

void pods_drop_stale(struct pods *pods)
{
	untell_all(pods, STALE);
	desired_rest(pods->desired);
}

unsigned int pods_unknown(const struct pods *pods)
{
	struct list all = all_pods(pods);
	unsigned int unknown = 0;

	for (size_t i = 0; i < all.count; i++)
		unknown += !(all.each[i]->told_by & ~LINGERS);
	free(all.each);
	return unknown;
}

void pods_forget(struct pods *pods)
{
	desired_begin_pass(pods->desired, FROM_PODS);
	desired_end_pass(pods->desired, FROM_PODS, NULL, NULL);
	desired_rest(pods->desired);
	tdestroy(pods->by_uid, free_pod);
	pods->by_uid = NULL;
	stats.pods_refused_now = 0;
}

const char *pods_name(struct pods *pods, const char *path)
{
	char uid[POD_UID_MAX + 1];
	const struct pod *pod = pod_cgroup_uid(path, uid) ? find(pods, uid, false) : NULL;

	return pod && pod->told_by && pod->path && !strcmp(pod->path, path) ? pod->name : NULL;
}

static void add_refused(const void *node, VISIT which, void *arg)
{
	const struct pod *pod = *(struct pod *const *)node;

	if ((which == postorder || which == leaf) && pod->refused)
		json_array_append_new(arg, json_pack("{s:o,s:o,s:o}", "pod", bg_json_text(pod->name), "cgroup",
						     pod->path ? bg_json_text(pod->path) : json_null(), "reason",
						     bg_json_text(pod->refused)));
}

json_t *pods_refused_json(const struct pods *pods)
{
	json_t *list = json_array();

	twalk_r(pods->by_uid, add_refused, list);
	return list;
}
