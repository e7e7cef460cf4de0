// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "policy/event.h"
#include "gate/watch.h"
#include "gate/sweep.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_MS 250 /* whether events were lost, the gate is gone or nobody reads */

enum {
	OPTION_VERDICT = 257,
	OPTION_PORT,
	OPTION_COUNT,
	OPTION_REFUSED,
};

struct watch {
	struct cli *cli;
	__u64 cgroup;          /* 0: every gate's */
	unsigned int verdicts; /* a bit each; 0: all */
	unsigned long port;    /* asked or given; 0: any */
	unsigned long left;    /* events to show; 0: no end */
	bool refused;          /* what the kernel refuses anywhere, not what gates decide */
	bool over;             /* the last one was shown, or nobody reads */
	struct {
		__u64 id;
		char name[512];
	} last; /* most events come from the cgroup that the one before came from */
};

static const char *name_of(struct watch *watch, __u64 id)
{
	struct bg_cgroup cgroup;

	if (watch->last.id == id)
		return watch->last.name;
	watch->last.id = id;
	if (bg_cgroup_from_id(id, &cgroup, NULL))
		snprintf(watch->last.name, sizeof(watch->last.name), "id:%llu", id);
	else
		snprintf(watch->last.name, sizeof(watch->last.name), "%.511s", cgroup.name);
	return watch->last.name;
}

static bool wanted(const struct watch *watch, const struct bg_event *event)
{
	return (!watch->cgroup || watch->cgroup == event->cgroup) &&
	       (!watch->verdicts || watch->verdicts & (1U << event->verdict)) &&
	       (!watch->port || watch->port == event->requested_port || watch->port == event->actual_port);
}

static int show(const struct bg_event *event, void *arg)
{
	struct watch *watch = arg;

	if (!wanted(watch, event))
		return 0;
	if (watch->cli->json) {
		json_t *object = bg_json_event(event, name_of(watch, event->cgroup));

		json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(object);
	} else {
		cli_print_event(event, name_of(watch, event->cgroup));
	}
	watch->over = ferror(stdout) || (watch->left && --watch->left == 0);
	return watch->over ? -ECANCELED : 0;
}

static void print_lost(const struct watch *watch, __u64 lost)
{
	if (!lost)
		return;
	if (watch->cli->json)
		printf("{\"lost\":%llu}\n", lost);
	else
		fprintf(stderr, "bindgate: %llu events were lost: they came faster than this could be read\n", lost);
}

/* 0; -ENOENT: there is no such gate; another negative errno: that cannot be told. */
static int find_standing(const struct cli *cli, __u64 id, struct bg_error *error)
{
	static struct bg_gate gate;
	struct bg_store store;
	int err = bg_sweep_open(cli->pin_dir, BG_STORE_READ, &store, error);

	if (!err) {
		err = bg_gate_read(&store, id, &gate, error);
		bg_store_close(&store);
	}
	return err == -ESTALE ? -ENOENT : err;
}

/* A pipe without a reader says so also while nothing is written to it. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* What was written so far; a reader who is gone is no error. */
static int flush(struct bg_error *error)
{
	if (!fflush(stdout) || errno == EPIPE)
		return 0;
	return bg_error(error, -errno, "cannot write the decisions: %s", strerror(errno));
}

/* Until a signal, the last event wanted, the gate's end, or that of whoever reads. */
static int follow(struct watch *watch, struct bg_watcher *watcher, int signals, struct bg_error *error)
{
	struct signalfd_siginfo got;
	__u64 looked = 0;

	for (;;) {
		struct timespec now;
		__u64 ms;
		int result = bg_watch_wait(watcher, LOOK_EVERY_MS), err = flush(error);

		if (result < 0 && result != -EINTR && result != -ECANCELED)
			return bg_error(error, result, "cannot read the decisions: %s", strerror(-result));
		if (err || ferror(stdout) || watch->over || read(signals, &got, sizeof(got)) > 0)
			return err;
		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
		if (ms - looked < LOOK_EVERY_MS)
			continue;
		looked = ms;
		print_lost(watch, bg_watch_lost(watcher));
		if (reader_is_gone())
			return 0;
		if (watch->cgroup && find_standing(watch->cli, watch->cgroup, NULL) == -ENOENT) {
			fprintf(stderr, "bindgate: the gate is gone\n");
			return 0;
		}
	}
}

static int add_verdict(struct watch *watch, const char *name)
{
	for (__u8 verdict = 0; verdict < BG_VERDICTS; verdict++)
		if (!strcmp(name, bg_verdict_name(verdict))) {
			watch->verdicts |= 1U << verdict;
			return DONE;
		}
	return cli_usage_error(watch->cli, "a verdict is pass, allow, rewrite or deny, not \"%.32s\"", name);
}

static int read_options(struct watch *watch, int argc, char **argv)
{
	int option, status = DONE;

	while (status == DONE && (option = cli_next_option(watch->cli, argc, argv)) != -1) {
		if (option == OPTION_VERDICT)
			status = add_verdict(watch, optarg);
		else if (option == OPTION_PORT && !cli_parse_number(optarg, 65535, &watch->port))
			status = cli_usage_error(watch->cli, "a port is a number from 1 to 65535, not \"%.32s\"",
						 optarg);
		else if (option == OPTION_REFUSED)
			watch->refused = true;
		else if (option == OPTION_COUNT && !cli_parse_number(optarg, 1000000000, &watch->left))
			status = cli_usage_error(watch->cli, "a count is a number from 1, not \"%.32s\"", optarg);
	}
	if (status == DONE && argc - optind > 1)
		status = cli_usage_error(watch->cli, "one cgroup at most");
	if (status == DONE && watch->refused && (optind < argc || watch->verdicts || watch->port))
		status = cli_usage_error(
			watch->cli, "--refused shows every refusal of the machine: it goes with --count alone");
	return status;
}

static int run_watch(struct cli *cli, int argc, char **argv)
{
	struct watch watch = { .cli = cli };
	struct bg_error error = { "" };
	struct bg_watcher watcher;
	struct bg_cgroup cgroup;
	struct bg_store store;
	int err, signals, status = read_options(&watch, argc, argv);

	if (status != DONE)
		return status;
	if (watch.refused)
		return cli_watch_refused(cli, watch.left);
	if (optind < argc) {
		status = cli_find_gate(cli, argv[optind], &cgroup);
		if (status != DONE)
			return status;
		err = find_standing(cli, cgroup.id, &error);
		if (err)
			return err == -ENOENT ? cli_print_no_gate(cli, &cgroup) : cli_print_error(cli, err, &error);
		watch.cgroup = cgroup.id;
	}
	signals = cli_catch_signals(&error);
	if (signals < 0)
		return cli_print_error(cli, signals, &error);
	err = bg_sweep_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (!err) {
		err = bg_watch_begin(&watcher, &store, show, &watch, &error);
		bg_store_close(&store);
	}
	if (err)
		return cli_print_error(cli, err, &error);
	if (!cli->json && isatty(STDOUT_FILENO))
		cli_print_event_head();
	fflush(stdout);
	err = follow(&watch, &watcher, signals, &error);
	print_lost(&watch, bg_watch_lost(&watcher));
	bg_watch_end(&watcher);
	close(signals);
	if (err)
		return cli_print_error(cli, err, &error);
	return ferror(stdout) ? DONE : cli_finish_output(cli);
}

static const struct cli_option options[] = {
	{ .name = "verdict",
	  .value = "pass|allow|rewrite|deny",
	  .help = "only these; may be given again",
	  .id = OPTION_VERDICT },
	{ .name = "port", .value = "N", .help = "only where this port was asked for or given", .id = OPTION_PORT },
	{ .name = "count", .value = "N", .help = "end after N of them", .id = OPTION_COUNT },
	{ .name = "refused",
	  .help = "every bind that this machine refuses, gated or not, and what grants it",
	  .id = OPTION_REFUSED },
	{ 0 },
};

const struct command cmd_watch = {
	.name = "watch",
	.summary = "decisions as they happen",
	.notes = "  bindgate watch --verdict deny\n"
		 "  bindgate watch --refused\n"
		 "  bindgate watch /app --json | jq .asked.port\n",
	.options = options,
	.arguments =
		(const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_GATE, .optional = true }, { 0 } },
	.run = run_watch,
};
