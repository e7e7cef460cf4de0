// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon waits for, and in which order it is dealt with. */
#include "node/node.h"
#include "node/say.h"
#include "node/stats.h"
#include "gate/sweep.h"
#include "gate/programs.h"
#include "base/clock.h"
#include "base/inotify.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_S 0.1 /* files that change are read when they have been still for so long */
#define TICK_S 1.0

static void reload(struct node *node)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify("RELOADING=1\nMONOTONIC_USEC=%llu",
	       (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	node_watch_files(node);
	node_load(node);
	notify("READY=1\nSTATUS=%u gates wanted, configuration %s", stats.gates_wanted,
	       stats.config_valid ? "as in the files" : "refused: the last good one is in force");
}

static void handle_signals(struct node *node)
{
	struct signalfd_siginfo got;

	while (read(node->signals, &got, sizeof(got)) == sizeof(got)) {
		if (got.ssi_signo != SIGHUP) {
			node->ending = true;
			continue;
		}
		if (node->decision_log)
			decision_log_reopen(node->decision_log);
		reload(node);
	}
}

/* A file of the configuration, the folder of them, or the link by which Kubernetes changes all at once? */
static bool is_ours(const struct node *node, const char *name)
{
	size_t length = strlen(name);
	char folder[4096];

	return (length > 5 && !strcmp(name + length - 5, ".yaml")) || !strcmp(name, "..data") ||
	       !strcmp(strrchr(bg_config_folder(node->file, folder), '/') ? strrchr(folder, '/') + 1 : folder, name);
}

static bool handle_file(const struct inotify_event *event, void *arg)
{
	struct node *node = arg;

	if ((event->mask & IN_Q_OVERFLOW) || (event->len && is_ours(node, event->name)))
		node->files_due = bg_clock_seconds() + SETTLE_S;
	return true;
}

static void until(double due, double now, int *timeout)
{
	int ms = due <= now ? 0 : (int)((due - now) * 1000) + 1;

	if (due > 0 && (*timeout < 0 || ms < *timeout))
		*timeout = ms;
}

static int next_timeout(struct node *node, double now)
{
	int timeout = node->http ? http_patience_ms(node->http) : -1;
	int cri_ms = node->cri ? cri_patience_ms(node->cri) : -1;

	if (cri_ms >= 0 && (timeout < 0 || cri_ms < timeout))
		timeout = cri_ms;
	until(node->files_due, now, &timeout);
	until(node->watchdog_due, now, &timeout);
	until(node->tick_due, now, &timeout);
	until(node->retry_due, now, &timeout);
	if (node->walk_due)
		timeout = 0;
	return timeout;
}

static void handle_due(struct node *node)
{
	double now = bg_clock_seconds();

	if (node->walk_due || (node->retry_due > 0 && node->retry_due <= now)) {
		node_walk(node);
		if (node->pods_failed && node->cri)
			cri_ask(node->cri, 0);
		if (node->http_failed)
			node_open_http(node);
		node_settle(node);
	}
	if (node->files_due > 0 && node->files_due <= now)
		reload(node);
	if (node->tick_due > 0 && node->tick_due <= now) {
		decision_log_tick(node->decision_log);
		node->tick_due = 0;
	}
	if (node->watchdog_due > 0 && node->watchdog_due <= now) {
		notify("WATCHDOG=1");
		node->watchdog_due = now + watchdog_ms() / 2000.0;
	}
}

static void loop(struct node *node)
{
	while (!node->ending) {
		struct pollfd polls[5 + CRI_POLLS] = {
			{ .fd = node->signals, .events = POLLIN },
			{ .fd = cgroup_watch_fd(node->cgroup_watch), .events = POLLIN },
			{ .fd = node->files, .events = POLLIN },
			{ .fd = node->decision_log ? decision_log_fd(node->decision_log) : -1, .events = POLLIN },
			{ .fd = node->http ? http_fd(node->http) : -1, .events = POLLIN },
		};

		unsigned int count = 5 + (node->cri ? cri_polls(node->cri, polls + 5) : 0);

		if (poll(polls, count, next_timeout(node, bg_clock_seconds())) < 0) {
			if (errno != EINTR)
				nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL); /* memory is short */
			continue;
		}
		if (polls[1].revents) { /* first: whoever waits for a gate waits for this */
			__u64 before = node_failures();

			node->walk_due |= !cgroup_watch_read(node->cgroup_watch);
			desired_rest(node->desired);
			stats.watches = cgroup_watch_watches(node->cgroup_watch);
			node->walk_failed |= node_failures() != before;
			node_settle(node);
		}
		if (polls[3].revents) {
			decision_log_read(node->decision_log);
			if (!node->tick_due) /* not a moment's work while nothing happens */
				node->tick_due = bg_clock_seconds() + TICK_S;
		}
		if (node->cri)
			cri_run(node->cri);
		if (node->http)
			http_run(node->http);
		if (polls[2].revents)
			bg_inotify_read(node->files, handle_file, node);
		handle_due(node);
		if (polls[0].revents) /* last: it may close what the others are about */
			handle_signals(node);
	}
}

/* Can gates be made at all? Better said at the start than for each. */
static bool can_gate(const struct node *node)
{
	struct bg_error error;
	struct bg_store store;
	int err = bg_sweep_open(node->pin_dir, BG_STORE_WRITE, &store, &error);

	if (!err) {
		err = bg_programs_load(&store, &error);
		bg_store_close(&store);
	}
	if (err)
		say(LOG_ERR, "%s", error.text);
	return !err;
}

/* false: it could not begin, and has said why. */
static bool begin(struct node *node)
{
	const struct cgroup_watch_calls calls = { .appeared = node_appeared,
						  .vanished = node_vanished,
						  .arg = node };
	struct bg_error error;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!can_gate(node))
		return false;
	node->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (node->signals < 0) {
		say(LOG_ERR, "cannot wait for signals: %s", strerror(errno));
		return false;
	}
	node->cgroup_watch = cgroup_watch_open(&calls, &error);
	if (!node->cgroup_watch) {
		say(LOG_ERR, "%s", error.text);
		return false;
	}
	node->desired = desired_open(node->pin_dir);
	node_watch_files(node);
	return node_load(node);
}

static void serve(struct node *node)
{
	const struct bg_declared_daemon *daemon;

	node->ready = true;
	if (watchdog_ms())
		node->watchdog_due = bg_clock_seconds();
	notify("READY=1\nSTATUS=%u gates wanted", stats.gates_wanted);
	loop(node);
	notify("STOPPING=1");
	daemon = &node->config->daemon;
	if (daemon->detach_on_stop && *daemon->detach_on_stop)
		desired_detach_all(node->desired);
}

/* As far as it had come. */
static void end(struct node *node)
{
	decision_log_close(node->decision_log);
	http_close(node->http);
	cri_close(node->cri);
	pods_close(node->pods);
	if (node->desired)
		desired_close(node->desired);
	if (node->cgroup_watch)
		cgroup_watch_close(node->cgroup_watch);
	bg_config_free(node->config);
	free(node->patterns);
	pods_free_patterns(node->pod_patterns, node->pod_patterns_count);
	if (node->files >= 0)
		close(node->files);
	if (node->signals >= 0)
		close(node->signals);
}

int node_run(const char *file, const char *pin_dir)
{
	struct node node = {
		.file = file, .pin_dir = pin_dir, .signals = -1, .files = -1, .retry = { .first = 0.1, .most = 60 }
	};
	bool begun = begin(&node);

	if (begun)
		serve(&node);
	end(&node);
	return !begun;
}
