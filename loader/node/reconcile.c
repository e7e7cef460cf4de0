// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is declared, brought about: gates on cgroups that come and go, pods, and a configuration that changes. */
#include "node/metrics.h"
#include "node/node.h"
#include "node/say.h"
#include "node/stats.h"
#include "node/status.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define PODS_FIRST_S 0.005 /* a new pod's cgroup is there some 100 ms before the runtime lists its sandbox */
#define PODS_PATIENT_S 0.3 /* from here on it is likely a cgroup that a pod left behind */
#define PODS_GOING_S 5.0
#define PODS_MOST_S 60.0

void node_appeared(const char *path, unsigned int pattern, void *arg)
{
	struct node *node = arg;
	const struct bg_declared_gate *gate;
	struct bg_error error;

	if (pattern >= node->pods_from) {
		if (pattern < node->inner_from && pods_appeared(node->pods, path)) {
			node->pods_retry = PODS_FIRST_S;
			cri_ask(node->cri, 0);
		}
		return;
	}
	gate = node->config->gates[pattern];
	if (node->parsed != gate && bg_declare_policy(&gate->policy, DESIRED_OWNER, &node->policy, &error)) {
		stats.errors[ERROR_CONFIG]++;
		say(LOG_ERR, "%s", error.text); /* a user that went meanwhile */
		desired_want_still(node->desired, FROM_GATES, path);
		return;
	}
	node->parsed = gate;
	desired_want(node->desired, FROM_GATES, path, &node->policy, gate->adopt && *gate->adopt);
}

static bool within_pods(const struct node *node, const char *path)
{
	for (unsigned int i = node->inner_from - node->pods_from; i < node->pod_patterns_count; i++)
		if (cgroup_watch_matches(node->pod_patterns[i], path))
			return true;
	return false;
}

void node_vanished(const char *path, void *arg)
{
	struct node *node = arg;

	desired_unwant(node->desired, path);
	if (node->pods && !pods_vanished(node->pods, path) && within_pods(node, path)) {
		/* a container went: perhaps with it the sandbox, which the runtime tells a while later */
		node->pods_going_until = bg_clock_seconds() + PODS_GOING_S;
		node->pods_retry = PODS_FIRST_S;
		cri_ask(node->cri, PODS_FIRST_S);
	}
}

/* Pods whose cgroup is there before the runtime tells of them are asked for again and again, ever more slowly. */
static void listed(const Cri__Sandboxes *sandboxes, void *arg)
{
	struct node *node = arg;
	__u64 before = node_failures();
	unsigned int unknown = pods_update(node->pods, node->config, sandboxes);

	node->pods_failed = node_failures() != before;
	node_settle(node);
	if (!node->pods_listed && !node->pods_failed) {
		node->pods_listed = true;
		desired_collect(node->desired);
		desired_rest(node->desired);
	}
	if (!unknown && bg_clock_seconds() > node->pods_going_until) {
		node->pods_retry = PODS_FIRST_S;
		return;
	}
	if (node->pods_retry < PODS_MOST_S)
		cri_ask(node->cri, node->pods_retry);
	node->pods_retry *= !unknown ? 1.5 : node->pods_retry < PODS_PATIENT_S ? 1.02 : 2;
}

__u64 node_failures(void)
{
	return stats.errors[ERROR_ATTACH] + stats.errors[ERROR_DETACH] + stats.errors[ERROR_STORE];
}

void node_settle(struct node *node)
{
	if (!node->walk_failed && !node->pods_failed && !node->http_failed) {
		bg_retry_reset(&node->retry);
		node->retry_due = 0;
	} else if (!node->retry_due) {
		node->retry_due = bg_clock_seconds() + bg_retry_failed(&node->retry);
	}
}

static bool is_declared(const char *path, void *arg)
{
	const struct node *node = arg;

	for (unsigned int i = 0; i < node->pods_from; i++)
		if (cgroup_watch_matches(node->patterns[i], path))
			return true;
	return false;
}

void node_walk(struct node *node)
{
	__u64 before = node_failures();
	bool whole;

	node->walk_due = false;
	node->retry_due = 0;
	desired_begin_pass(node->desired, FROM_GATES);
	whole = cgroup_watch_walk(node->cgroup_watch);
	/* where a part was not seen, what is declared may be there all the same */
	desired_end_pass(node->desired, FROM_GATES, whole ? NULL : is_declared, node);
	if (whole && (!node->cri || node->pods_listed)) /* before that nobody knows which pods' gates are wanted */
		desired_collect(node->desired);
	desired_rest(node->desired);
	stats.watches = cgroup_watch_watches(node->cgroup_watch);
	node->walk_failed = !whole || node_failures() != before;
}

/* ---- configuration ---- */

/* The watch that there is stays until there is another. */
void node_watch_files(struct node *node)
{
	const unsigned int events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE;
	int files = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char folder[4096], parent[4096];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", node->file);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	if (files < 0 || inotify_add_watch(files, slash ? (*parent ? parent : "/") : ".", events) < 0 ||
	    (inotify_add_watch(files, bg_config_folder(node->file, folder), events) < 0 && errno != ENOENT &&
	     errno != ENOTDIR)) {
		say(LOG_WARNING, "cannot watch %s for changes: %s; SIGHUP has it read anew", node->file,
		    strerror(errno));
		if (files >= 0)
			close(files);
		return;
	}
	if (node->files >= 0)
		close(node->files);
	node->files = files;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_number(const int *a, const int *b)
{
	return a == b || (a && b && *a == *b);
}

static char *give_metrics(void *arg)
{
	const struct node *node = arg;

	return metrics_print(node->pin_dir);
}

static char *give_status(void *arg)
{
	const struct node *node = arg;
	json_t *status = status_json(node->desired);

	json_object_set_new(status, "refused", pods_refused_json(node->pods));
	char *text = json_dumps(status, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	json_decref(status);
	return text;
}

static bool is_ready(void *arg)
{
	const struct node *node = arg;

	return node->ready && stats.config_valid;
}

void node_open_http(struct node *node)
{
	const char *at = node->config->daemon.listen ? node->config->daemon.listen : NODE_LISTEN;
	const struct http_calls calls = {
		.metrics = give_metrics, .status = give_status, .ready = is_ready, .arg = node
	};
	struct bg_error error;

	http_close(node->http);
	node->http = NULL;
	if (!strcmp(at, "none"))
		return;
	node->http = http_open(at, &calls, &error);
	if (!node->http && !node->http_failed)
		say(LOG_ERR, "%s", error.text);
	node->http_failed = !node->http;
}

/* Without a runtime to ask, pods are left to the hook (bindgate oci-hook). */
static bool serves_pods(const struct bg_config *config)
{
	return config->pods_count && config->daemon.cri;
}

static void set_patterns(struct node *node)
{
	const struct bg_config *config = node->config;
	unsigned int inner = 0, count = 0;

	free(node->patterns);
	pods_free_patterns(node->pod_patterns, node->pod_patterns_count);
	node->pod_patterns = serves_pods(config) ? pods_patterns(config->daemon.kubepods, &inner, &count) : NULL;
	node->pod_patterns_count = count;
	node->pods_from = config->gates_count;
	node->inner_from = config->gates_count + inner;
	node->patterns = bg_need(calloc(config->gates_count + count + 1, sizeof(*node->patterns)));
	for (unsigned int i = 0; i < config->gates_count; i++)
		node->patterns[i] = config->gates[i]->cgroup;
	for (unsigned int i = 0; i < count; i++)
		node->patterns[config->gates_count + i] = node->pod_patterns[i];
	cgroup_watch_set_patterns(node->cgroup_watch, node->patterns, config->gates_count + count);
}

static void open_pods(struct node *node, const struct bg_config *config)
{
	const struct cri_calls calls = { .listed = listed, .arg = node };

	cri_close(node->cri);
	node->cri = NULL;
	node->pods_failed = false;
	if (!serves_pods(config)) {
		if (node->pods)
			pods_forget(node->pods);
		pods_close(node->pods);
		node->pods = NULL;
		return;
	}
	if (!node->pods)
		node->pods = pods_open(node->desired);
	node->cri = cri_open(config->daemon.cri, &calls);
	node->pods_retry = PODS_FIRST_S;
}

/* What changed is taken up; what did not runs on. */
static void take(struct node *node, struct bg_config *config)
{
	const struct bg_declared_daemon none = { 0 }, *now = &config->daemon;
	const struct bg_declared_daemon *before = node->config ? &node->config->daemon : &none;
	bool first = !node->config, log_changed, listen_changed, cri_changed;
	struct bg_config *old = node->config;

	log_changed = first || !same_number(before->log, now->log) || !same_text(before->log_to, now->log_to) ||
		      !same_number(before->log_rate, now->log_rate);
	listen_changed = first || !same_text(before->listen, now->listen);
	cri_changed = !same_text(before->cri, now->cri) || !same_text(before->kubepods, now->kubepods) ||
		      !node->pods == serves_pods(config);
	node->config = config;
	node->parsed = NULL;
	set_patterns(node);
	if (cri_changed)
		open_pods(node, config);
	node_walk(node);
	if (node->cri)
		cri_ask(node->cri, 0);
	if (log_changed) {
		decision_log_close(node->decision_log);
		node->decision_log = decision_log_open(node->pin_dir, now);
		node->tick_due = 0;
	}
	if (listen_changed) {
		node->http_failed = false;
		node_open_http(node);
	}
	node_settle(node);
	bg_config_free(old);
}

bool node_load(struct node *node)
{
	struct bg_error error;
	struct bg_config *config = bg_config_read(node->file, &error);

	node->files_due = 0;
	stats.config_valid = config != NULL;
	if (!config) {
		stats.errors[ERROR_CONFIG]++;
		stats.reloads_failed++;
		say(LOG_ERR, "%s%s", error.text, node->config ? "; the last good configuration stays in force" : "");
		return false;
	}
	stats.reloads += node->config != NULL;
	take(node, config);
	say(LOG_INFO, "%u gates and %u kinds of pods are declared; %u gates are wanted now", config->gates_count,
	    config->pods_count, stats.gates_wanted);
	return true;
}
