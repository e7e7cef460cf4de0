/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_NODE_H
#define BINDGATED_NODE_H

#include "base/retry.h"
#include "config/merge.h"
#include "node/cgroup_watch.h"
#include "node/decision_log.h"
#include "node/desired.h"
#include "node/http.h"
#include "node/workloads.h"

#define NODE_LISTEN "127.0.0.1:9632" /* unless daemon.listen says otherwise */

/* The configuration in force. */
struct node_config {
	struct bg_config *read;
	const char **patterns;                 /* of the cgroups of gates, then of workloads */
	const struct bg_declared_gate *parsed; /* whose policy is `policy` */
	struct bg_policy policy;
	int watch; /* inotify on its files */
};

/* When something is due, in bg_clock_seconds(); 0: it is not. */
struct node_timers {
	double reload;   /* the files changed */
	double log_tick; /* of the decision log */
	double watchdog;
	double retry; /* what failed */
	struct bg_retry delay;
};

/* The daemon. */
struct node {
	const char *file; /* the configuration */
	bool named;       /* by whoever started the daemon: it is not to be missing */
	const char *pin_dir;
	struct node_config config;
	struct node_timers due;
	struct workloads *workloads;
	struct desired *desired;
	struct cgroup_watch *cgroup_watch;
	struct decision_log *decision_log;
	struct http *http;
	struct metrics *metrics;
	int lock;    /* as the daemon of the pin directory */
	int signals; /* signalfd */
	bool walk_failed, http_failed, files_failed;
	bool walk_due, ready, ending;
};

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int node_run(const char *file, bool named, const char *pin_dir);

/* The daemon's own. arg: the node. */

void node_appeared(const char *path, unsigned int pattern, void *arg);
void node_vanished(const char *path, void *arg);

/* Has the gates be as declared. */
void node_walk(struct node *node);

/* After an attempt at anything: what failed is tried again, ever more slowly. */
void node_settle(void *arg);

void node_watch_files(struct node *node);
void node_open_http(struct node *node);

/* Reads the configuration, and takes up what changed. false: it is not sound; the last good one stays in force. */
bool node_load(struct node *node);

#endif
