/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_NODE_H
#define BINDGATED_NODE_H

#include "node/decision_log.h"
#include "config/merge.h"
#include "node/source/cri.h"
#include "node/http.h"
#include "node/desired.h"
#include "node/workloads.h"
#include "node/cgroup_watch.h"
#include "base/clock.h"
#include "base/retry.h"

#define NODE_LISTEN "127.0.0.1:9632" /* where nothing else is said */

/* The daemon: what is declared, what brings that about, and what it waits for. Times are of bg_clock_seconds(). */
struct node {
	const char *file;
	const char *pin_dir;
	struct bg_config *config;
	const char **patterns; /* of the gates, of pods, of what is within pods */
	char **pod_patterns;
	unsigned int pods_from, inner_from, pod_patterns_count;
	const struct bg_declared_gate *parsed; /* whose policy is `policy` */
	struct bg_policy policy;
	struct desired *desired;
	struct cgroup_watch *cgroup_watch;
	struct pods *pods; /* NULL: none are declared */
	struct cri *cri;
	bool pods_listed;
	double pods_going_until; /* till then the runtime may still name what is gone */
	double pods_retry;       /* seconds until the runtime is asked again for pods that it did not know */
	struct decision_log *decision_log;
	struct http *http;
	int signals;
	int files;        /* inotify on the configuration */
	double files_due; /* 0: they have not changed */
	double tick_due;  /* of the log */
	double watchdog_due;
	double retry_due; /* of what failed; 0: nothing did */
	struct bg_retry retry;
	bool walk_failed, pods_failed, http_failed;
	bool walk_due, ready, ending;
};

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int node_run(const char *file, const char *pin_dir);

/* The daemon's own. arg: the node. */

void node_appeared(const char *path, unsigned int pattern, void *arg);
void node_vanished(const char *path, void *arg);

/* Has the gates be as declared. */
void node_walk(struct node *node);

/* After an attempt at anything: what failed is tried again, ever more slowly. */
void node_settle(struct node *node);
__u64 node_failures(void); /* so far; conflicts are none */

void node_watch_files(struct node *node);
void node_open_http(struct node *node);

/* Reads the configuration, and takes up what changed. false: it is not sound; the last good one stays in force. */
bool node_load(struct node *node);

#endif
