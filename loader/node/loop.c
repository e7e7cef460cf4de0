// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon waits for, and in which order it is dealt with. */
#include "node/metrics.h"
#include "node/node.h"
#include "node/say.h"
#include "node/stats.h"
#include "gate/daemon.h"
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
#define LOCK_MS 1000 /* runtimes that wait for a gate (NRI) give up after two seconds */

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
		node->due.reload = bg_clock_seconds() + SETTLE_S;
	return true;
}

static void sooner(int ms, int *timeout)
{
	if (ms >= 0 && (*timeout < 0 || ms < *timeout))
		*timeout = ms;
}

static int next_timeout(struct node *node)
{
	int timeout = -1;

	sooner(node->http ? http_patience_ms(node->http) : -1, &timeout);
	sooner(cgroup_watch_timeout_ms(node->cgroup_watch), &timeout);
	sooner(workloads_timeout_ms(node->workloads), &timeout);
	sooner(bg_clock_ms_until(node->due.reload), &timeout);
	sooner(bg_clock_ms_until(node->due.watchdog), &timeout);
	sooner(bg_clock_ms_until(node->due.log_tick), &timeout);
	sooner(bg_clock_ms_until(node->due.retry), &timeout);
	if (node->walk_due || metrics_under_way(node->metrics))
		timeout = 0;
	return timeout;
}

static void run_cgroups(struct node *node)
{
	__u64 before = stats_failures();

	node->walk_due |= !cgroup_watch_read(node->cgroup_watch);
	desired_rest(node->desired);
	node->walk_failed |= stats_failures() != before;
	node_settle(node);
}

static void handle_due(struct node *node)
{
	double now = bg_clock_seconds();

	if (!cgroup_watch_timeout_ms(node->cgroup_watch))
		run_cgroups(node);
	if (node->walk_due || (node->due.retry > 0 && node->due.retry <= now)) {
		node_walk(node);
		if (workloads_failed(node->workloads))
			workloads_update(node->workloads);
		if (node->http_failed)
			node_open_http(node);
		if (node->files_failed)
			node_watch_files(node);
		node_settle(node);
	}
	if (node->due.reload > 0 && node->due.reload <= now)
		reload(node);
	if (node->due.log_tick > 0 && node->due.log_tick <= now) {
		decision_log_tick(node->decision_log);
		node->due.log_tick = 0;
	}
	if (node->due.watchdog > 0 && node->due.watchdog <= now) {
		notify("WATCHDOG=1");
		node->due.watchdog = now + watchdog_ms() / 2000.0;
	}
}

/* ---- what is waited for ---- */

static void run_log(struct node *node)
{
	decision_log_read(node->decision_log);
	if (!node->due.log_tick) /* not a moment's work while nothing happens */
		node->due.log_tick = bg_clock_seconds() + TICK_S;
}

static void run_workloads(struct node *node)
{
	workloads_run(node->workloads);
}

static void run_http(struct node *node)
{
	char *text = metrics_turn(node->metrics);

	if (text && node->http)
		http_give_metrics(node->http, text);
	else
		free(text);
	if (node->http)
		http_run(node->http);
}

static void run_files(struct node *node)
{
	bg_inotify_read(node->config.watch, handle_file, node);
}

static unsigned int one(struct pollfd *polls, unsigned int room, int fd)
{
	if (!room || fd < 0)
		return 0;
	*polls = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 1;
}

static unsigned int poll_cgroups(struct node *node, struct pollfd *polls, unsigned int room)
{
	return one(polls, room, cgroup_watch_fd(node->cgroup_watch));
}

static unsigned int poll_log(struct node *node, struct pollfd *polls, unsigned int room)
{
	return one(polls, room, node->decision_log ? decision_log_fd(node->decision_log) : -1);
}

static unsigned int poll_workloads(struct node *node, struct pollfd *polls, unsigned int room)
{
	return workloads_polls(node->workloads, polls, room);
}

static unsigned int poll_http(struct node *node, struct pollfd *polls, unsigned int room)
{
	return one(polls, room, node->http ? http_fd(node->http) : -1);
}

static unsigned int poll_files(struct node *node, struct pollfd *polls, unsigned int room)
{
	return one(polls, room, node->config.watch);
}

static unsigned int poll_signals(struct node *node, struct pollfd *polls, unsigned int room)
{
	return one(polls, room, node->signals);
}

/* In the order in which they are dealt with. */
static const struct poller {
	unsigned int (*polls)(struct node *node, struct pollfd *polls, unsigned int room);
	void (*run)(struct node *node);
	bool always; /* run in each round, ready or not: it has work of its own */
} pollers[] = {
	{ poll_cgroups, run_cgroups, false }, /* whoever waits for a gate waits for this */
	{ poll_log, run_log, false },
	{ poll_workloads, run_workloads, true },
	{ poll_http, run_http, true },
	{ poll_files, run_files, false },
	{ NULL, handle_due, true },
	{ poll_signals, handle_signals, false }, /* last: it may close what the others are about */
};
#define POLLERS (sizeof(pollers) / sizeof(*pollers))
#define POLLS_MAX 64

static bool any_ready(const struct pollfd *polls, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (polls[i].revents)
			return true;
	return false;
}

static void loop(struct node *node)
{
	struct pollfd polls[POLLS_MAX];
	unsigned int ends[POLLERS]; /* of each poller's part of the polls */

	while (!node->ending) {
		unsigned int count = 0;

		for (unsigned int i = 0; i < POLLERS; i++) {
			unsigned int room = POLLS_MAX - count - (unsigned int)(POLLERS - i - 1);

			count += pollers[i].polls ? pollers[i].polls(node, polls + count, room) : 0;
			ends[i] = count;
		}
		if (poll(polls, count, next_timeout(node)) < 0) {
			if (errno != EINTR)
				nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL); /* memory is short */
			continue;
		}
		for (unsigned int i = 0; i < POLLERS; i++) {
			unsigned int first = i ? ends[i - 1] : 0;

			if (pollers[i].always || any_ready(polls + first, ends[i] - first))
				pollers[i].run(node);
		}
	}
}

/* Can gates be made at all, and by us? Better said at the start than for each. */
static bool can_gate(struct node *node)
{
	struct bg_error error;
	struct bg_store store;
	int err = bg_sweep_open(node->pin_dir, BG_STORE_WRITE, &store, &error);

	if (!err) {
		err = bg_programs_load(&store, &error);
		if (!err)
			err = node->lock = bg_daemon_lock(&store, &error);
		bg_store_close(&store);
	}
	if (err < 0)
		say(LOG_ERR, "%s", error.text);
	return err >= 0;
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
	bg_store_set_patience(LOCK_MS);
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
	node->workloads = workloads_open(node->desired, node_settle, node);
	node->metrics = metrics_open(node->pin_dir, node->workloads);
	node_watch_files(node);
	return node_load(node);
}

static void serve(struct node *node)
{
	const struct bg_declared_daemon *daemon;

	node->ready = true;
	if (watchdog_ms())
		node->due.watchdog = bg_clock_seconds();
	notify("READY=1\nSTATUS=%u gates wanted", stats.gates_wanted);
	loop(node);
	notify("STOPPING=1");
	daemon = &node->config.read->daemon;
	if (daemon->detach_on_stop && *daemon->detach_on_stop)
		desired_detach_all(node->desired);
}

/* As far as it had come. */
static void end(struct node *node)
{
	decision_log_close(node->decision_log);
	http_close(node->http);
	metrics_close(node->metrics);
	workloads_close(node->workloads);
	if (node->desired)
		desired_close(node->desired);
	if (node->cgroup_watch)
		cgroup_watch_close(node->cgroup_watch);
	bg_config_free(node->config.read);
	free(node->config.patterns);
	if (node->config.watch >= 0)
		close(node->config.watch);
	if (node->signals >= 0)
		close(node->signals);
	if (node->lock >= 0)
		close(node->lock);
}

int node_run(const char *file, bool named, const char *pin_dir)
{
	struct node node = {
		.file = file,
		.named = named,
		.pin_dir = pin_dir,
		.signals = -1,
		.lock = -1,
		.config.watch = -1,
		.due.delay = { .first = 0.1, .most = 60 },
	};
	bool begun = begin(&node);

	if (begun)
		serve(&node);
	end(&node);
	return !begun;
}
