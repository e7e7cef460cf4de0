// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cgroup/glob.h"
#include "policy/infer.h"
#include "config/declared.h"
#include "explain/sockets.h"
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
#define LOOK_SOON_MS 5 /* for the cgroup that is to come again */
#define DRAIN_S 0.5

enum {
	OPTION_FOR = 257,
	OPTION_YAML,
};

struct learning {
	struct cli *cli;
	const char *name; /* as it was given */
	struct bg_cgroup cgroup;
	struct bg_policy standing; /* of the gate that was there before; it stays as it is */
	struct bg_transient transient;
	bool borrowed; /* the gate on the cgroup is ours */
	bool gone;     /* the cgroup is, until one comes again that is called so */
	__u32 seconds;
	bool yaml;
	unsigned long binds, denied;
	unsigned int held;
	unsigned long long lost;
	struct bg_seen seen;
};

/* What a rule that is there allows needs no other, and what one denies is not to be granted. */
static int note_bind(const struct bg_event *event, void *arg)
{
	struct learning *learning = arg;
	bool udp = event->protocol == IPPROTO_UDP || event->protocol == IPPROTO_UDPLITE;

	if (event->cgroup != learning->cgroup.id || event->requested_port == 0)
		return 0;
	if (event->verdict == BG_DENY && (!event->audit || event->slot < BG_RULES_MAX)) {
		learning->denied++;
		return 0;
	}
	learning->binds++;
	if (event->slot >= BG_RULES_MAX)
		bg_seen_add(&learning->seen, udp ? BG_UDP : BG_TCP, event->requested_port);
	return 0;
}

/* Where no gate is, one that lets everything pass stands there meanwhile. */
static int borrow(struct learning *learning, struct bg_error *error)
{
	const struct bg_policy policy = { .owner = "learn" };
	static struct bg_gate gate;
	struct bg_store store;
	int err = bg_sweep_open(learning->cli->pin_dir, BG_STORE_WRITE, &store, error);

	if (err)
		return err;
	err = bg_transient_borrow(&store, &learning->cgroup, &policy, &learning->transient, error);
	learning->borrowed = !err;
	if (err == -EEXIST) {
		err = bg_gate_read(&store, learning->cgroup.id, &gate, error);
		if (!err)
			learning->standing = gate.policy;
	}
	bg_store_close(&store);
	return err;
}

static void give_back(struct learning *learning)
{
	struct bg_error error;

	if (learning->borrowed && bg_transient_end(learning->cli->pin_dir, &learning->transient, &error))
		cli_print_warning(learning->cli,
				  "the gate that stood there meanwhile stays until the next command: %s",
				  error.text);
	learning->borrowed = false;
}

/* Does a rule that is there speak of the port, or lead to it? */
static bool is_known(const struct bg_policy *policy, __u8 protocol, unsigned int port)
{
	for (unsigned int i = 0; i < policy->count; i++) {
		const struct bg_rule *rule = &policy->rules[i];
		unsigned int to = rule->to, length = rule->last - rule->first;

		if (rule->flags & 1 << protocol &&
		    ((port >= rule->first && port <= rule->last) ||
		     (rule->verdict == BG_REWRITE && port >= to && port <= to + length)))
			return true;
	}
	return false;
}

/* Sockets that were bound before anybody looked. */
static void look_for_held(struct learning *learning)
{
	static struct bg_seen held;
	struct bg_error error;

	held = learning->seen;
	if (bg_sockets_seen(&learning->cgroup, &held, &error) < 0) {
		cli_print_warning(learning->cli, "%s", error.text);
		return;
	}
	for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++)
		for (unsigned int port = 1; port < 65536; port++)
			if ((held.ports[protocol][port / 8] ^ learning->seen.ports[protocol][port / 8]) &
				    1 << port % 8 &&
			    !is_known(&learning->standing, protocol, port)) {
				bg_seen_add(&learning->seen, protocol, (__u16)port);
				learning->held++;
			}
}

/* A service that restarts has a new cgroup of the same name. */
static void follow_restart(struct learning *learning)
{
	struct bg_error error;

	if (!learning->gone && !bg_cgroup_exists(learning->cgroup.id)) {
		give_back(learning);
		learning->gone = true;
	}
	if (!learning->gone || bg_cgroup_find(learning->name, &learning->cgroup, NULL))
		return;
	if (borrow(learning, &error))
		return; /* it is gone again, or will be tried again */
	learning->gone = false;
	look_for_held(learning);
}

static int listen_for(struct learning *learning, struct bg_watcher *watcher, int signals)
{
	double end = bg_clock_seconds() + learning->seconds, left;
	bool shown = isatty(STDERR_FILENO);
	char got[128];
	int err = 0;

	while ((left = end - bg_clock_seconds()) > 0 && read(signals, got, sizeof(got)) <= 0) {
		int turn = learning->gone ? LOOK_SOON_MS : LOOK_EVERY_MS;

		if (shown)
			fprintf(stderr, "\rlearning %s: %lu binds, %.0f s left; Ctrl-C ends it \033[K",
				bg_escape(learning->cgroup.name), learning->binds, left);
		err = bg_watch_wait(watcher, left * 1000 < turn ? (int)(left * 1000) + 1 : turn);
		if (err < 0 && err != -EINTR)
			break;
		learning->lost += bg_watch_lost(watcher);
		follow_restart(learning);
	}
	if (shown)
		fprintf(stderr, "\r\033[K");
	end = bg_clock_seconds() + DRAIN_S;
	while (err >= 0 && bg_watch_wait(watcher, 0) > 0 && bg_clock_seconds() < end)
		; /* what is still in the ring */
	return err < 0 && err != -EINTR ? err : 0;
}

/* ---- what is printed ---- */

static void print_yaml(const struct learning *learning, const struct bg_policy *policy)
{
	struct bg_declaration *all = bg_need(calloc(1, sizeof(*all)));
	char *cgroup = bg_need(bg_cgroup_literal(learning->cgroup.name)), *yaml;

	all->gates = bg_need(malloc(sizeof(*all->gates)));
	all->gates_count = 1;
	bg_need(bg_declared_gate(cgroup, policy, &all->gates[0]) ? NULL : all);
	free(cgroup);
	yaml = bg_need(bg_declare_print(all));
	fputs(yaml, stdout);
	free(yaml);
	bg_declare_free(all);
}

/* JSON is YAML: apply takes this too. */
static void print_learnt_json(const struct learning *learning, const struct bg_policy *policy)
{
	char *cgroup = bg_need(bg_cgroup_literal(learning->cgroup.name));
	json_t *rules = json_array(), *gate;
	char text[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < policy->count; i++)
		json_array_append_new(rules, json_string(bg_rule_print(&policy->rules[i], text)));
	gate = bg_need(json_pack("{s:o}", "cgroup", bg_json_text(cgroup)));
	if (policy->default_verdict == BG_DENY)
		json_object_set_new(gate, "default", json_string("deny"));
	if (policy->netns == BG_NETNS_HOST)
		json_object_set_new(gate, "netns", json_string("host"));
	if (policy->audit)
		json_object_set_new(gate, "audit", json_true());
	if (*policy->label)
		json_object_set_new(gate, "label", json_string(policy->label));
	json_object_set_new(gate, "rules", rules);
	cli_print_json(json_pack("{s:[o]}", "gates", gate));
	free(cgroup);
}

static void print_line(const struct learning *learning, const struct bg_policy *policy)
{
	char text[BG_RULE_TEXT_MAX];

	printf("# %lu bind%s by %s %s seen", learning->binds, learning->binds == 1 ? "" : "s",
	       bg_escape(learning->cgroup.name), learning->binds == 1 ? "was" : "were");
	if (learning->held)
		printf(", and %u socket%s bound before", learning->held,
		       learning->held == 1 ? " that was" : "s that were");
	if (policy->default_verdict != BG_DENY)
		printf("; with --default deny, these ports and no others");
	printf("\nbindgate attach %s%s%s", policy->default_verdict == BG_DENY ? "--default deny " : "",
	       policy->netns == BG_NETNS_HOST ? "--netns host " : "", policy->audit ? "--audit " : "");
	if (*policy->label) {
		fputs("--label ", stdout);
		bg_print_word(stdout, policy->label);
		putchar(' ');
	}
	bg_print_word(stdout, learning->cgroup.name);
	for (unsigned int i = 0; i < policy->count; i++) {
		putchar(' ');
		bg_print_word(stdout, bg_rule_print(&policy->rules[i], text));
	}
	putchar('\n');
}

/* Rules for random ports would be a list that is never whole. */
static void add_random(struct learning *learning, struct bg_policy *policy)
{
	char rule[32];

	for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++) {
		unsigned int count = bg_infer_random(&learning->seen, protocol);

		if (!count)
			continue;
		snprintf(rule, sizeof(rule), "1024-65535/%s", bg_protocol_name(protocol));
		cli_print_warning(learning->cli,
				  "%u %s ports look chosen at random, as a resolver does: %s is for them", count,
				  protocol == BG_UDP ? "UDP" : "TCP", rule);
		bg_policy_add(policy, rule, NULL);
	}
}

/* The rules that are there, and what covers the rest behind them. */
static void infer(struct learning *learning, struct bg_policy *policy)
{
	static struct bg_policy more;
	unsigned int most, wider;

	*policy = learning->standing;
	add_random(learning, policy);
	most = BG_RULES_MAX - policy->count;
	if (most < 2) {
		cli_print_warning(learning->cli, "the gate has %u rules: there is no room for more", policy->count);
		return;
	}
	wider = bg_infer(&learning->seen, most, &more);
	if (wider)
		cli_print_warning(learning->cli,
				  "the ports seen take more than %d rules: ranges were widened by %u ports",
				  BG_RULES_MAX, wider);
	for (unsigned int i = 0; i < more.count; i++)
		policy->rules[policy->count++] = more.rules[i];
}

static int print_learnt(struct learning *learning)
{
	static struct bg_policy policy;
	struct bg_error error;

	infer(learning, &policy);
	if (learning->lost)
		cli_print_warning(learning->cli, "%llu binds were lost: they came faster than this could be read",
				  learning->lost);
	if (learning->denied)
		cli_print_warning(learning->cli, "%lu binds were denied: no rule is made of them", learning->denied);
	if ((learning->cli->json || learning->yaml) && !cli_is_utf8(learning->cgroup.name)) {
		bg_error(&error, -EILSEQ, "%.512s has a name that is not UTF-8, which YAML and JSON have to be",
			 learning->cgroup.name);
		return cli_print_error(learning->cli, -EILSEQ, &error);
	}
	if (learning->cli->json)
		print_learnt_json(learning, &policy);
	else if (learning->yaml)
		print_yaml(learning, &policy);
	else if (learning->binds || learning->held)
		print_line(learning, &policy);
	else
		printf("# nothing was bound by %s\n", bg_escape(learning->cgroup.name));
	return cli_finish_output(learning->cli);
}

static int run_learn(struct cli *cli, int argc, char **argv)
{
	static struct learning learning = { .seconds = USUAL_SECONDS };
	struct bg_error error = { "" };
	struct bg_watcher watcher;
	struct bg_store store;
	int option, signals, err, status = DONE;

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
	learning.name = argv[optind];
	err = bg_cgroup_find(learning.name, &learning.cgroup, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	signals = cli_catch_signals(&error);
	if (signals < 0)
		return cli_print_error(cli, signals, &error);
	err = borrow(&learning, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	err = bg_sweep_open(cli->pin_dir, BG_STORE_WRITE, &store, &error);
	if (!err) {
		err = bg_watch_begin(&watcher, &store, note_bind, &learning, &error);
		bg_store_close(&store);
	}
	if (!err) {
		look_for_held(&learning);
		err = listen_for(&learning, &watcher, signals);
		bg_watch_end(&watcher);
	}
	close(signals);
	give_back(&learning);
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
