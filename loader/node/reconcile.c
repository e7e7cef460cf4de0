// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is declared, brought about: gates on cgroups that come and go, pods, and a configuration that changes. */
#include "node/metrics.h"
#include "node/node.h"
#include "node/pattern.h"
#include "node/say.h"
#include "node/stats.h"
#include "node/status.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

void node_appeared(const char *path, unsigned int pattern, void *arg)
{
	struct node *node = arg;
	struct node_config *config = &node->config;
	const struct bg_declared_gate *gate;
	struct bg_error error;

	if (pattern >= config->read->gates_count) {
		workloads_appeared(node->workloads, path, pattern - config->read->gates_count);
		return;
	}
	gate = config->read->gates[pattern];
	if (config->parsed != gate && bg_declare_policy(&gate->policy, DESIRED_OWNER, &config->policy, &error)) {
		stats.errors[ERROR_CONFIG]++;
		say(LOG_ERR, "%s", error.text); /* a user that went meanwhile */
		desired_want_still(node->desired, FROM_GATES, path);
		return;
	}
	config->parsed = gate;
	desired_want(node->desired, FROM_GATES, path, &config->policy, gate->adopt && *gate->adopt);
}

void node_vanished(const char *path, void *arg)
{
	struct node *node = arg;

	if (!desired_vanished(node->desired, path))
		return;
	workloads_vanished(node->workloads, path);
}

void node_settle(void *arg)
{
	struct node *node = arg;
	struct node_timers *due = &node->due;

	if (!node->walk_failed && !workloads_failed(node->workloads) && !node->http_failed && !node->files_failed) {
		bg_retry_reset(&due->delay);
		due->retry = 0;
	} else if (!due->retry) {
		due->retry = bg_clock_seconds() + bg_retry_failed(&due->delay);
	}
}

static bool is_declared(const char *path, void *arg)
{
	const struct node *node = arg;

	for (unsigned int i = 0; i < node->config.read->gates_count; i++)
		if (pattern_matches(node->config.patterns[i], path))
			return true;
	return false;
}

void node_walk(struct node *node)
{
	__u64 before = stats_failures();
	bool whole;

	node->walk_due = false;
	node->due.retry = 0;
	desired_begin_pass(node->desired, FROM_GATES);
	whole = cgroup_watch_walk(node->cgroup_watch);
	/* where a part was not seen, what is declared may be there all the same */
	desired_end_pass(node->desired, FROM_GATES, whole ? NULL : is_declared, node);
	if (whole)
		workloads_collect(node->workloads);
	desired_rest(node->desired);
	node->walk_failed = !whole || stats_failures() != before;
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
		if (!node->files_failed)
			say(LOG_WARNING, "cannot watch %s for changes: %s; SIGHUP has it read anew", node->file,
			    strerror(errno));
		node->files_failed = true;
		if (files >= 0)
			close(files);
		return;
	}
	if (node->files_failed) /* what changed meanwhile */
		node->due.reload = bg_clock_seconds();
	node->files_failed = false;
	if (node->config.watch >= 0)
		close(node->config.watch);
	node->config.watch = files;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_number(const int *a, const int *b)
{
	return a == b || (a && b && *a == *b);
}

static void begin_metrics(void *arg)
{
	const struct node *node = arg;

	metrics_begin(node->metrics);
}

/* NULL: it is ready. */
static char *why_unready(void *arg)
{
	const struct node *node = arg;

	if (!node->ready)
		return bg_need(strdup("it begins"));
	if (!stats.config_valid)
		return bg_need(strdup("the configuration is refused, the last good one is in force"));
	return workloads_missed(node->workloads);
}

static char *give_status(void *arg)
{
	const struct node *node = arg;
	json_t *status = status_json(node->desired, node->workloads);

	char *unready = why_unready(arg);

	json_object_set_new(status, "ready", json_boolean(!unready));
	free(unready);
	json_object_set_new(status, "refused", workloads_refused_json(node->workloads));
	json_object_set_new(status, "engines", workloads_engines_json(node->workloads));
	char *text = json_dumps(status, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	json_decref(status);
	return text;
}

void node_open_http(struct node *node)
{
	const char *at = node->config.read->daemon.listen ? node->config.read->daemon.listen : NODE_LISTEN;
	const struct http_calls calls = {
		.metrics = begin_metrics, .status = give_status, .unready = why_unready, .arg = node
	};
	struct bg_error error;
	int err;

	http_close(node->http);
	node->http = NULL;
	if (!strcmp(at, "none"))
		return;
	err = http_open(at, &calls, &node->http, &error);
	if (err && !node->http_failed)
		say(LOG_ERR, "%s", error.text);
	node->http_failed = err;
}

static void set_patterns(struct node *node)
{
	const struct bg_config *config = node->config.read;
	unsigned int count, gates = config->gates_count;
	char *const *of_workloads = workloads_patterns(node->workloads, &count);

	free(node->config.patterns);
	node->config.patterns = bg_need(calloc(gates + count + 1, sizeof(*node->config.patterns)));
	for (unsigned int i = 0; i < gates; i++)
		node->config.patterns[i] = config->gates[i]->cgroup;
	for (unsigned int i = 0; i < count; i++)
		node->config.patterns[gates + i] = of_workloads[i];
	cgroup_watch_set_patterns(node->cgroup_watch, node->config.patterns, gates + count);
}

#define FIRST_NETNS 1 /* the cookie that the kernel gives to its first network namespace */

static bool speaks_of_host(const struct bg_config *config)
{
	bool speaks = false;

	for (unsigned int i = 0; i < config->gates_count; i++)
		speaks |= config->gates[i]->policy.netns && *config->gates[i]->policy.netns == BG_NETNS_HOST;
	for (unsigned int i = 0; i < config->pods_count; i++)
		speaks |= !config->pods[i]->policy.netns || *config->pods[i]->policy.netns == BG_NETNS_HOST;
	return speaks;
}

/* The host that `netns: host` means is the machine's first network namespace, which a node that is a container itself
 * does not have. */
static void warn_of_netns(const struct bg_config *config)
{
	int fd = speaks_of_host(config) ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	__u64 cookie = FIRST_NETNS;
	socklen_t size = sizeof(cookie);

	if (fd < 0)
		return;
	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
	close(fd);
	if (cookie != FIRST_NETNS)
		say(LOG_WARNING,
		    "this network namespace is not the machine's first: on a nested node (kind), what is "
		    "declared with netns: host, as pods are where nothing else is said, never counts; "
		    "declare netns: any there");
}

/* What changed is taken up; what did not runs on. */
static void take(struct node *node, struct bg_config *config)
{
	struct bg_config *old = node->config.read;
	const struct bg_declared_daemon none = { 0 }, *now = &config->daemon;
	const struct bg_declared_daemon *before = old ? &old->daemon : &none;
	bool first = !old, log_changed, listen_changed;

	log_changed = first || !same_number(before->log, now->log) || !same_text(before->log_to, now->log_to) ||
		      !same_number(before->log_rate, now->log_rate);
	listen_changed = first || !same_text(before->listen, now->listen);
	node->config.read = config;
	node->config.parsed = NULL;
	workloads_configure(node->workloads, config);
	set_patterns(node);
	node_walk(node);
	workloads_ask(node->workloads);
	if (log_changed) {
		decision_log_close(node->decision_log);
		node->decision_log = decision_log_open(node->pin_dir, now, node->workloads);
		node->due.log_tick = 0;
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
	struct bg_config *config;
	bool needed = node->named || (node->config.read && node->config.read->has_file);
	int err = bg_config_read(node->file, needed, &config, &error);

	node->due.reload = 0;
	stats.config_valid = !err;
	if (err) {
		stats.errors[ERROR_CONFIG]++;
		stats.reloads_failed++;
		say(LOG_ERR, "%s%s", error.text,
		    node->config.read ? "; the last good configuration stays in force" : "");
		return false;
	}
	stats.reloads += node->config.read != NULL;
	take(node, config);
	warn_of_netns(config);
	say(LOG_INFO, "%u gates and %u kinds of pods are declared; %u gates are wanted now", config->gates_count,
	    config->pods_count, stats.gates_wanted);
	return true;
}
