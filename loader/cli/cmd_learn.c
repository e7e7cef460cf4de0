// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cgroup/glob.h"
#include "policy/infer.h"
#include "config/file.h"
#include "gate/transient.h"
#include "gate/watch.h"
#include "gate/sweep.h"
#include "base/clock.h"
#include "policy/duration.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USUAL_SECONDS 60
#define LOOK_EVERY_MS 250
#define DRAIN_S 0.5

enum {
	OPTION_FOR = 257,
	OPTION_YAML,
};

struct learning {
	struct cli *cli;
	struct bg_cgroup cgroup;
	__u32 seconds;
	bool yaml;
	unsigned long binds;
	unsigned long long lost;
	struct bg_seen seen;
};

static int note_bind(const struct bg_event *event, void *arg)
{
	struct learning *learning = arg;
	bool udp = event->protocol == IPPROTO_UDP || event->protocol == IPPROTO_UDPLITE;

	if (event->cgroup != learning->cgroup.id || event->requested_port == 0)
		return 0;
	learning->binds++;
	bg_seen_add(&learning->seen, udp ? BG_UDP : BG_TCP, event->requested_port);
	return 0;
}

static int listen_for(struct learning *learning, struct bg_watcher *watcher, int signals)
{
	double end = bg_clock_seconds() + learning->seconds, left;
	bool shown = isatty(STDERR_FILENO);
	char got[128];
	int err = 0;

	while ((left = end - bg_clock_seconds()) > 0 && read(signals, got, sizeof(got)) <= 0) {
		if (shown)
			fprintf(stderr, "\rlearning %s: %lu binds, %.0f s left; Ctrl-C ends it \033[K",
				bg_escape(learning->cgroup.name), learning->binds, left);
		err = bg_watch_wait(watcher, left * 1000 < LOOK_EVERY_MS ? (int)(left * 1000) + 1 : LOOK_EVERY_MS);
		if (err < 0 && err != -EINTR)
			break;
		learning->lost += bg_watch_lost(watcher);
	}
	if (shown)
		fprintf(stderr, "\r\033[K");
	end = bg_clock_seconds() + DRAIN_S;
	while (err >= 0 && bg_watch_wait(watcher, 0) > 0 && bg_clock_seconds() < end)
		; /* what is still in the ring */
	return err < 0 && err != -EINTR ? err : 0;
}

static void print_yaml(const struct learning *learning, const struct bg_policy *policy)
{
	char texts[BG_RULES_MAX][BG_RULE_TEXT_MAX], *rules[BG_RULES_MAX], *yaml;
	struct bg_declared_gate gate = { .cgroup = bg_need(bg_cgroup_literal(learning->cgroup.name)) };
	const struct bg_declaration all = { .gates = &gate, .gates_count = 1 };

	gate.policy.rules = rules;
	gate.policy.rules_count = policy->count;
	for (unsigned int i = 0; i < policy->count; i++)
		rules[i] = (char *)bg_rule_print(&policy->rules[i], texts[i]);
	yaml = bg_need(bg_declare_print(&all));
	fputs(yaml, stdout);
	free(yaml);
	free(gate.cgroup);
}

/* JSON is YAML: apply takes this too. */
static void print_learnt_json(const struct learning *learning, const struct bg_policy *policy)
{
	char *cgroup = bg_need(bg_cgroup_literal(learning->cgroup.name));
	json_t *rules = json_array();
	char text[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < policy->count; i++)
		json_array_append_new(rules, json_string(bg_rule_print(&policy->rules[i], text)));
	cli_print_json(json_pack("{s:[{s:o,s:o}]}", "gates", "cgroup", bg_json_text(cgroup), "rules", rules));
	free(cgroup);
}

static void print_line(const struct learning *learning, const struct bg_policy *policy)
{
	char text[BG_RULE_TEXT_MAX];

	printf("# %lu binds by %s were seen; with --default deny, these ports and no others\n", learning->binds,
	       bg_escape(learning->cgroup.name));
	fputs("bindgate attach ", stdout);
	bg_print_word(stdout, learning->cgroup.name);
	for (unsigned int i = 0; i < policy->count; i++)
		printf(" %s", bg_rule_print(&policy->rules[i], text));
	putchar('\n');
}

static int print_learnt(const struct learning *learning)
{
	struct bg_policy policy = { 0 };
	struct bg_error error;
	unsigned int more = bg_infer(&learning->seen, BG_RULES_MAX, &policy);

	if (learning->lost)
		cli_print_warning(learning->cli, "%llu binds were lost: they came faster than this could be read",
				  learning->lost);
	if (more)
		cli_print_warning(learning->cli,
				  "the ports seen take more than %d rules: ranges were widened by %u ports",
				  BG_RULES_MAX, more);
	if ((learning->cli->json || learning->yaml) && !cli_is_utf8(learning->cgroup.name)) {
		bg_error(&error, -EILSEQ, "%.512s has a name that is not UTF-8, which YAML and JSON have to be",
			 learning->cgroup.name);
		return cli_print_error(learning->cli, -EILSEQ, &error);
	}
	if (learning->cli->json)
		print_learnt_json(learning, &policy);
	else if (learning->yaml)
		print_yaml(learning, &policy);
	else if (policy.count)
		print_line(learning, &policy);
	else
		printf("# nothing was bound by %s\n", bg_escape(learning->cgroup.name));
	return cli_finish_output(learning->cli);
}

/* Where no gate is, one that lets everything pass stands there meanwhile. */
static int borrow(const struct learning *learning, struct bg_transient *transient, struct bg_error *error)
{
	const struct bg_policy policy = { .owner = "learn" };
	struct bg_store store;
	int err = bg_sweep_open(learning->cli->pin_dir, BG_STORE_WRITE, &store, error);

	if (err)
		return err;
	err = bg_transient_borrow(&store, &learning->cgroup, &policy, transient, error);
	bg_store_close(&store);
	return err;
}

static void give_back(const struct learning *learning, struct bg_transient *transient)
{
	struct bg_error error;

	if (bg_transient_end(learning->cli->pin_dir, transient, &error))
		cli_print_warning(learning->cli,
				  "the gate that stood there meanwhile stays until the next command: %s",
				  error.text);
}

static int run_learn(struct cli *cli, int argc, char **argv)
{
	static struct learning learning = { .seconds = USUAL_SECONDS };
	struct bg_error error = { "" };
	struct bg_transient transient;
	struct bg_watcher watcher;
	struct bg_store store;
	int option, signals, borrowed, err, status = DONE;

	learning.cli = cli;
	while (status == DONE && (option = cli_next_option(cli, argc, argv)) != -1) {
		learning.yaml |= option == OPTION_YAML;
		if (option == OPTION_FOR && bg_duration_parse(optarg, &learning.seconds, &error))
			status = cli_usage_error(cli, "%s", error.text);
	}
	if (status == DONE && argc - optind != 1)
		status = cli_usage_error(cli, "one cgroup is needed");
	if (status != DONE)
		return status;
	err = bg_cgroup_find(argv[optind], &learning.cgroup, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	signals = cli_catch_signals(&error);
	if (signals < 0)
		return cli_print_error(cli, signals, &error);
	borrowed = borrow(&learning, &transient, &error);
	if (borrowed && borrowed != -EEXIST)
		return cli_print_error(cli, borrowed, &error);
	err = bg_sweep_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (!err) {
		err = bg_watch_begin(&watcher, &store, note_bind, &learning, &error);
		bg_store_close(&store);
	}
	if (!err) {
		err = listen_for(&learning, &watcher, signals);
		bg_watch_end(&watcher);
	}
	close(signals);
	if (!borrowed)
		give_back(&learning, &transient);
	return err ? cli_print_error(cli, err, &error) : print_learnt(&learning);
}

static const struct cli_option options[] = {
	{ .name = "for", .value = "DURATION", .help = "how long (60s)", .id = OPTION_FOR },
	{ .name = "yaml", .help = "as a file for apply; so is --json", .id = OPTION_YAML },
	{ 0 },
};

const struct command cmd_learn = {
	.name = "learn",
	.summary = "watch, then print the rules that would cover it",
	.notes = "Nothing is denied meanwhile that is not denied already.\n\n"
		 "  bindgate learn --for 5m unit:nginx\n",
	.options = options,
	.arguments = (const struct cli_argument[]){ { .name = "CGROUP", .words = CLI_CGROUP }, { 0 } },
	.run = run_learn,
};
