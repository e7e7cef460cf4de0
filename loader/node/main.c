// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "audit.h"
#include "clean.h"
#include "config.h"
#include "http.h"
#include "keeper.h"
#include "metrics.h"
#include "pods.h"
#include "say.h"
#include "stats.h"
#include "status.h"
#include "tree.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_FILE "/etc/bindgate/bindgate.yaml"
#define LISTEN "127.0.0.1:9632"
#define SETTLE_S 0.1 /* files that change are read when they have been still for so long */
#define TICK_S 1.0
#define RETRY_FIRST_S 0.1
#define RETRY_MOST_S 60.0
#define PODS_FIRST_S 0.005 /* a new pod's cgroup is there some 100 ms before the runtime lists its sandbox */
#define PODS_PATIENT_S 0.3 /* from here on it is likely a cgroup that a pod left behind */
#define PODS_GOING_S 5.0
#define PODS_MOST_S 60.0

struct node {
	const char *file;
	const char *pin_dir;
	struct bg_config *config;
	const char **patterns; /* of the gates, of pods, of what is within pods */
	char **pod_patterns;
	unsigned int pods_from, inner_from, pod_patterns_count;
	const struct bg_declared_gate *parsed; /* whose policy is `policy` */
	struct bg_policy policy;
	struct keeper *keeper;
	struct tree *tree;
	struct pods *pods; /* NULL: none are declared */
	struct cri *cri;
	bool pods_listed;
	double pods_going_until; /* till then the runtime may still name what is gone */
	double pods_retry;       /* seconds until the runtime is asked again for pods that it did not know */
	struct audit *audit;
	struct http *http;
	int signals;
	int files;        /* inotify on the configuration */
	double files_due; /* 0: they have not changed */
	double tick_due;  /* of the log */
	double watchdog_due;
	double retry_due; /* of what failed; 0: nothing did */
	double retry;     /* seconds */
	bool http_failed; /* said so */
	bool walk_due, ready, ending;
};

/* ---- gates ---- */

static void appeared(const char *path, unsigned int pattern, void *arg)
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
	if (node->parsed != gate && bg_declare_policy(&gate->policy, KEEPER_OWNER, &node->policy, &error)) {
		stats.errors[ERROR_CONFIG]++;
		say(LOG_ERR, "%s", error.text); /* a user that went meanwhile */
		keeper_want_still(node->keeper, FROM_GATES, path);
		return;
	}
	node->parsed = gate;
	keeper_want(node->keeper, FROM_GATES, path, &node->policy, gate->adopt && *gate->adopt);
}

static bool within_pods(const struct node *node, const char *path)
{
	for (unsigned int i = node->inner_from - node->pods_from; i < node->pod_patterns_count; i++)
		if (tree_matches(node->pod_patterns[i], path))
			return true;
	return false;
}

static void vanished(const char *path, void *arg)
{
	struct node *node = arg;

	keeper_unwant(node->keeper, path);
	if (node->pods && !pods_vanished(node->pods, path) && within_pods(node, path)) {
		/* a container went: perhaps with it the sandbox, which the runtime tells a while later */
		node->pods_going_until = now_seconds() + PODS_GOING_S;
		node->pods_retry = PODS_FIRST_S;
		cri_ask(node->cri, PODS_FIRST_S);
	}
}

/* Pods whose cgroup is there before the runtime tells of them are asked for again and again, ever more slowly. */
static void listed(const Cri__Sandboxes *sandboxes, void *arg)
{
	struct node *node = arg;
	unsigned int unknown = pods_update(node->pods, node->config, sandboxes);

	if (!node->pods_listed) {
		node->pods_listed = true;
		keeper_collect(node->keeper);
		keeper_rest(node->keeper);
	}
	if (!unknown && now_seconds() > node->pods_going_until) {
		node->pods_retry = PODS_FIRST_S;
		return;
	}
	if (node->pods_retry < PODS_MOST_S)
		cri_ask(node->cri, node->pods_retry);
	node->pods_retry *= !unknown ? 1.5 : node->pods_retry < PODS_PATIENT_S ? 1.02 : 2;
}

/* What the keeper could not do; conflicts are no failures. */
static __u64 failures(void)
{
	return stats.errors[ERROR_ATTACH] + stats.errors[ERROR_DETACH] + stats.errors[ERROR_STORE];
}

/* What failed is tried again, ever more slowly. */
static void settle(struct node *node, bool failed)
{
	if (!failed) {
		node->retry = RETRY_FIRST_S;
		node->retry_due = 0;
	} else if (!node->retry_due) {
		node->retry_due = now_seconds() + node->retry;
		node->retry = node->retry * 2 < RETRY_MOST_S ? node->retry * 2 : RETRY_MOST_S;
	}
}

static void walk(struct node *node)
{
	__u64 before = failures();
	bool whole;

	node->walk_due = false;
	node->retry_due = 0;
	keeper_begin_pass(node->keeper, FROM_GATES);
	whole = tree_walk(node->tree);
	if (whole) /* else a gate may be wanted whose cgroup was not seen */
		keeper_end_pass(node->keeper, FROM_GATES);
	if (whole && (!node->cri || node->pods_listed)) /* before that nobody knows which pods' gates are wanted */
		keeper_collect(node->keeper);
	keeper_rest(node->keeper);
	stats.watches = tree_watches(node->tree);
	settle(node, !whole || failures() != before);
}

/* ---- configuration ---- */

static void watch_files(struct node *node)
{
	char folder[4096], parent[4096];
	char *slash;

	if (node->files >= 0)
		close(node->files);
	node->files = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	snprintf(parent, sizeof(parent), "%s", node->file);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	inotify_add_watch(node->files, slash ? (*parent ? parent : "/") : ".",
			  IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE);
	inotify_add_watch(node->files, bg_config_folder(node->file, folder),
			  IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE);
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
	json_t *status = status_json(node->keeper);

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

static void open_http(struct node *node)
{
	const char *at = node->config->daemon.listen ? node->config->daemon.listen : LISTEN;
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
	if (!node->http)
		settle(node, true);
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
	node->patterns = need(calloc(config->gates_count + count + 1, sizeof(*node->patterns)));
	for (unsigned int i = 0; i < config->gates_count; i++)
		node->patterns[i] = config->gates[i]->cgroup;
	for (unsigned int i = 0; i < count; i++)
		node->patterns[config->gates_count + i] = node->pod_patterns[i];
	tree_set_patterns(node->tree, node->patterns, config->gates_count + count);
}

static void open_pods(struct node *node, const struct bg_config *config)
{
	const struct cri_calls calls = { .listed = listed, .arg = node };

	cri_close(node->cri);
	node->cri = NULL;
	if (!serves_pods(config)) {
		if (node->pods)
			pods_forget(node->pods);
		pods_close(node->pods);
		node->pods = NULL;
		return;
	}
	if (!node->pods)
		node->pods = pods_open(node->keeper);
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
	walk(node);
	if (node->cri)
		cri_ask(node->cri, 0);
	if (log_changed) {
		audit_close(node->audit);
		node->audit = audit_open(node->pin_dir, now);
		node->tick_due = 0;
	}
	if (listen_changed) {
		node->http_failed = false;
		open_http(node);
	}
	bg_config_free(old);
}

static bool load(struct node *node)
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

static void reload(struct node *node)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify("RELOADING=1\nMONOTONIC_USEC=%llu",
	       (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	watch_files(node);
	load(node);
	notify("READY=1\nSTATUS=%u gates wanted, configuration %s", stats.gates_wanted,
	       stats.config_valid ? "as in the files" : "refused: the last good one is in force");
}

/* ---- the loop ---- */

static void handle_signals(struct node *node)
{
	struct signalfd_siginfo got;

	while (read(node->signals, &got, sizeof(got)) == sizeof(got)) {
		if (got.ssi_signo != SIGHUP) {
			node->ending = true;
			continue;
		}
		if (node->audit)
			audit_reopen(node->audit);
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

static void handle_files(struct node *node)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t got;

	while ((got = read(node->files, buffer, sizeof(buffer))) > 0)
		for (const char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			if ((event->mask & IN_Q_OVERFLOW) || (event->len && is_ours(node, event->name)))
				node->files_due = now_seconds() + SETTLE_S;
			at += sizeof(*event) + event->len;
		}
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
	double now = now_seconds();

	if (node->walk_due || (node->retry_due > 0 && node->retry_due <= now)) {
		walk(node);
		if (node->http_failed)
			open_http(node);
	}
	if (node->files_due > 0 && node->files_due <= now)
		reload(node);
	if (node->tick_due > 0 && node->tick_due <= now) {
		audit_tick(node->audit);
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
			{ .fd = tree_fd(node->tree), .events = POLLIN },
			{ .fd = node->files, .events = POLLIN },
			{ .fd = node->audit ? audit_fd(node->audit) : -1, .events = POLLIN },
			{ .fd = node->http ? http_fd(node->http) : -1, .events = POLLIN },
		};

		unsigned int count = 5 + (node->cri ? cri_polls(node->cri, polls + 5) : 0);

		if (poll(polls, count, next_timeout(node, now_seconds())) < 0) {
			if (errno != EINTR)
				nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL); /* memory is short */
			continue;
		}
		if (polls[1].revents) { /* first: whoever waits for a gate waits for this */
			__u64 before = failures();

			node->walk_due |= !tree_read(node->tree);
			keeper_rest(node->keeper);
			stats.watches = tree_watches(node->tree);
			if (failures() != before)
				settle(node, true);
		}
		if (polls[3].revents) {
			audit_read(node->audit);
			if (!node->tick_due) /* not a moment's work while nothing happens */
				node->tick_due = now_seconds() + TICK_S;
		}
		if (node->cri)
			cri_run(node->cri);
		if (node->http)
			http_run(node->http);
		if (polls[2].revents)
			handle_files(node);
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
	int err = bg_store_open(node->pin_dir, BG_STORE_WRITE, &store, &error);

	if (!err) {
		err = bg_store_load(&store, &error);
		bg_store_close(&store);
	}
	if (err)
		say(LOG_ERR, "%s", error.text);
	return !err;
}

static int run(struct node *node)
{
	const struct tree_calls calls = { .appeared = appeared, .vanished = vanished, .arg = node };
	struct bg_error error;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!can_gate(node))
		return 1;
	node->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (node->signals < 0) {
		say(LOG_ERR, "cannot wait for signals: %s", strerror(errno));
		return 1;
	}
	node->retry = RETRY_FIRST_S;
	node->files = -1;
	node->tree = tree_open(&calls, &error);
	if (!node->tree) {
		say(LOG_ERR, "%s", error.text);
		return 1;
	}
	node->keeper = keeper_open(node->pin_dir);
	watch_files(node);
	if (!load(node))
		return 1;
	node->ready = true;
	if (watchdog_ms())
		node->watchdog_due = now_seconds();
	notify("READY=1\nSTATUS=%u gates wanted", stats.gates_wanted);
	loop(node);
	notify("STOPPING=1");
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): load() has set it */
	if (node->config->daemon.detach_on_stop && *node->config->daemon.detach_on_stop)
		keeper_detach_all(node->keeper);
	audit_close(node->audit);
	http_close(node->http);
	cri_close(node->cri);
	pods_close(node->pods);
	keeper_close(node->keeper);
	tree_close(node->tree);
	bg_config_free(node->config);
	free(node->patterns);
	pods_free_patterns(node->pod_patterns, node->pod_patterns_count);
	close(node->files);
	close(node->signals);
	return 0;
}

static int check(const char *file)
{
	struct bg_error error;
	struct bg_config *config = bg_config_read(file, &error);

	if (!config) {
		fprintf(stderr, "bindgated: %s\n", bg_clean(error.text));
		return 1;
	}
	printf("%s: sound: %u gates, %u kinds of pods\n", bg_clean(file), config->gates_count, config->pods_count);
	bg_config_free(config);
	return 0;
}

static int status(const char *file, bool json)
{
	struct bg_error error;
	struct bg_config *config = bg_config_read(file, &error);
	const char *at = config && config->daemon.listen ? config->daemon.listen : LISTEN;
	char *answer = NULL;
	int err;

	if (!strcmp(at, "none"))
		err = bg_error(&error, -EINVAL, "daemon.listen is none: the daemon cannot be asked");
	else
		err = (answer = http_ask_status(at, &error)) ? status_print(answer, json, &error) : -EIO;
	bg_config_free(config);
	free(answer);
	if (err)
		fprintf(stderr, "bindgated: %s\n", bg_clean(error.text));
	return err != 0;
}

static const char help[] =
	"bindgated keeps gates as declared, on cgroups that come and go.\n\n"
	"  bindgated [--config FILE] [--pin-dir DIR]   runs; SIGHUP reads the files anew and opens the log anew\n"
	"  bindgated --check [FILE]                    is the configuration sound?\n"
	"  bindgated status [--json]                   what the running daemon wants and has\n"
	"  bindgated --version\n\n"
	"FILE is " CONFIG_FILE " where nothing else is said, and with it *.yaml of the folder\n"
	"beside it (/etc/bindgate/bindgate.d). See bindgated(8) and bindgate.yaml(5).\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "pin-dir", required_argument, NULL, 'p' },
						 { "check", no_argument, NULL, 'k' },
						 { "json", no_argument, NULL, 'j' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { 0 } };
	struct node node = { .file = CONFIG_FILE };
	bool checks = false, json = false;
	int option;

	node.pin_dir = bg_store_default_dir();
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:p:jh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			node.file = optarg;
			break;
		case 'p':
			node.pin_dir = optarg;
			break;
		case 'k':
			checks = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			printf("bindgated %s\n", BINDGATE_VERSION);
			return 0;
		default:
			fprintf(stderr,
				"bindgated: %s is not an option here, or its value is missing; see bindgated --help\n",
				bg_clean(argv[optind - 1]));
			return 2;
		}
	}
	if (checks)
		return check(optind < argc ? argv[optind] : node.file);
	if (optind < argc && !strcmp(argv[optind], "status"))
		return status(node.file, json);
	if (optind < argc) {
		fprintf(stderr, "bindgated: there is nothing like \"%s\"; see bindgated --help\n",
			bg_clean(argv[optind]));
		return 2;
	}
	return run(&node);
}
