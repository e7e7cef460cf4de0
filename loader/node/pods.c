// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/pods.h"

#include "config/grant.h"
#include "report/json.h"
#include "node/say.h"
#include "node/stats.h"
#include "base/hash.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UID_MAX 64

/* The cgroup of a pod. */
struct pod {
	char uid[UID_MAX + 1];
	__u64 decided;  /* what its gate was made from, hashed; 0: not yet */
	bool known;     /* a source told of it */
	char *refused;  /* why its request is; NULL: it is not */
	char name[300]; /* namespace/name, once known */
	char path[];
};

struct pods {
	struct desired *desired;
	void *by_uid; /* a tree of struct pod, as tsearch(3) has it */
};

static int by_uid(const void *a, const void *b)
{
	const struct pod *x = a, *y = b;

	return strcmp(x->uid, y->uid);
}

char **pods_patterns(const char *kubepods, unsigned int *inner, unsigned int *count)
{
	static const char *const usual[] = { "/kubepods",
					     "/kubepods.slice", /* and of kind, whose nodes are containers: */
					     "/kubelet/kubepods", "/kubelet.slice/kubelet-kubepods.slice" };
	static const char *const below[] = { "pod*", "*/pod*", "*-pod*.slice", "*/*-pod*.slice" };
	unsigned int roots = kubepods ? 1 : sizeof(usual) / sizeof(*usual), each = sizeof(below) / sizeof(*below);
	char **patterns = bg_need(calloc(2UL * roots * each, sizeof(*patterns)));

	*inner = roots * each;
	*count = 2 * *inner;
	for (unsigned int i = 0; i < *inner; i++) {
		const char *root = kubepods ? kubepods : usual[i / each];

		if (asprintf(&patterns[i], "%s/%s", root, below[i % each]) < 0 ||
		    asprintf(&patterns[*inner + i], "%s/%s/*", root, below[i % each]) < 0)
			bg_need(NULL);
	}
	return patterns;
}

void pods_free_patterns(char **patterns, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(patterns[i]);
	free(patterns);
}

/* "pod<uid>", or of the systemd driver "kubepods-burstable-pod<uid with _>.slice". Static pods have uids that are
 * hashes, without dashes. false: it is no such name. */
static bool uid_of(const char *path, char uid[static UID_MAX + 1])
{
	const char *name = strrchr(path, '/'), *start;
	size_t length;

	name = name ? name + 1 : path;
	length = strlen(name);
	if (length > 6 && !strcmp(name + length - 6, ".slice")) {
		start = strstr(name, "-pod");
		start = start ? start + 4 : NULL;
		length -= 6;
	} else {
		start = strncmp(name, "pod", 3) ? NULL : name + 3;
	}
	if (!start || start >= name + length || (size_t)(name + length - start) > UID_MAX)
		return false;
	length = (size_t)(name + length - start);
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)start[i]) && start[i] != '-' && start[i] != '_')
			return false;
		uid[i] = start[i];
		if (uid[i] == '_')
			uid[i] = '-';
	}
	uid[length] = '\0';
	return true;
}

struct pods *pods_open(struct desired *desired)
{
	struct pods *pods = bg_need(calloc(1, sizeof(*pods)));

	pods->desired = desired;
	return pods;
}

static void free_pod(void *arg)
{
	struct pod *pod = arg;

	free(pod->refused);
	free(pod);
}

void pods_close(struct pods *pods)
{
	if (!pods)
		return;
	tdestroy(pods->by_uid, free_pod);
	free(pods);
}

static struct pod *find(const struct pods *pods, const char *uid)
{
	struct pod key = { .known = false };
	void *found;

	snprintf(key.uid, sizeof(key.uid), "%s", uid);
	found = tfind(&key, &pods->by_uid, by_uid);
	return found ? *(struct pod **)found : NULL;
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

bool pods_appeared(struct pods *pods, const char *path)
{
	char uid[UID_MAX + 1];
	struct pod *pod;

	if (!uid_of(path, uid))
		return false;
	pod = find(pods, uid);
	if (pod)
		return !pod->known;
	pod = bg_need(calloc(1, sizeof(*pod) + strlen(path) + 1));
	memcpy(pod->uid, uid, sizeof(uid));
	strcpy(pod->path, path);
	bg_need(tsearch(pod, &pods->by_uid, by_uid));
	return true;
}

bool pods_vanished(struct pods *pods, const char *path)
{
	char uid[UID_MAX + 1];
	struct pod *pod = uid_of(path, uid) ? find(pods, uid) : NULL;

	if (!pod || strcmp(pod->path, path))
		return false;
	set_refused(pod, NULL);
	tdelete(pod, &pods->by_uid, by_uid);
	free_pod(pod);
	return true;
}

static const char *annotation_of(const struct workload *workload)
{
	for (size_t i = 0; i < workload->annotations_count; i++)
		if (!strcmp(workload->annotations[i].key, BG_GRANT_ANNOTATION))
			return workload->annotations[i].value;
	return NULL;
}

static const struct bg_declared_pod *grant_of(const struct bg_config *config, const struct workload *workload)
{
	for (unsigned int i = 0; i < config->pods_count; i++)
		if (bg_grant_matches(config->pods[i], workload->namespace, workload->labels, workload->labels_count))
			return config->pods[i];
	return NULL;
}

static void gate_pod(struct pods *pods, const struct bg_config *config, struct pod *pod,
		     const struct workload *workload)
{
	const struct bg_declared_pod *grant = grant_of(config, workload);
	const char *request = annotation_of(workload);
	struct bg_policy policy;
	struct bg_error error;
	__u64 decided;
	int err;

	snprintf(pod->name, sizeof(pod->name), "%.140s/%.140s", workload->namespace, workload->name);
	if (!grant) {
		set_refused(pod, request ? "no grant speaks of it" : NULL);
		return;
	}
	decided = bg_hash(BG_HASH_START, &config->serial, sizeof(config->serial));
	decided = bg_hash(decided, &grant, sizeof(grant));
	decided = bg_hash(decided, request ? request : "", request ? strlen(request) + 1 : 0);
	if (decided == pod->decided && desired_want_still(pods->desired, FROM_PODS, pod->path)) {
		stats.pods_now++;
		return;
	}
	pod->decided = 0;
	err = bg_grant_policy(grant, DESIRED_OWNER, request, &policy, &error);
	set_refused(pod, err ? error.text : NULL);
	if (err && err != -EACCES) { /* a user that went meanwhile: what stands, stays */
		desired_want_still(pods->desired, FROM_PODS, pod->path);
		return;
	}
	if (err && !policy.count && policy.default_verdict == BG_PASS)
		return; /* nothing is given outright: it is as if nothing spoke of it */
	if (!desired_want(pods->desired, FROM_PODS, pod->path, &policy, false)) {
		pod->decided = decided;
		stats.pods_now++;
	}
}

struct count {
	unsigned int unknown;
	bool forget;
};

static void look(const void *node, VISIT which, void *arg)
{
	struct pod *pod = *(struct pod *const *)node;
	struct count *count = arg;

	if (which == postorder || which == leaf) {
		if (count->forget)
			pod->known = false;
		count->unknown += !pod->known;
	}
}

unsigned int pods_update(struct pods *pods, const struct bg_config *config, const struct workload *workloads,
			 size_t workloads_count)
{
	struct count count = { .forget = true };

	twalk_r(pods->by_uid, look, &count);
	desired_begin_pass(pods->desired, FROM_PODS);
	stats.pods_now = 0;
	for (size_t i = 0; i < workloads_count; i++) {
		struct pod *pod = strlen(workloads[i].id) > UID_MAX ? NULL : find(pods, workloads[i].id);

		if (!pod || pod->known) /* an older one of the same pod */
			continue;
		pod->known = true;
		gate_pod(pods, config, pod, &workloads[i]);
	}
	desired_end_pass(pods->desired, FROM_PODS, NULL, NULL);
	desired_rest(pods->desired);
	count = (struct count){ .unknown = 0 };
	twalk_r(pods->by_uid, look, &count);
	return count.unknown;
}

void pods_forget(struct pods *pods)
{
	desired_begin_pass(pods->desired, FROM_PODS);
	desired_end_pass(pods->desired, FROM_PODS, NULL, NULL);
	tdestroy(pods->by_uid, free_pod);
	pods->by_uid = NULL;
	stats.pods_now = stats.pods_refused_now = 0;
}

static void add_refused(const void *node, VISIT which, void *arg)
{
	const struct pod *pod = *(struct pod *const *)node;

	if ((which == postorder || which == leaf) && pod->refused)
		json_array_append_new(arg, json_pack("{s:o,s:o}", "pod", bg_json_text(pod->name), "reason",
						     bg_json_text(pod->refused)));
}

json_t *pods_refused_json(const struct pods *pods)
{
	json_t *list = json_array();

	twalk_r(pods->by_uid, add_refused, list);
	return list;
}
