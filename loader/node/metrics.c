// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/metrics.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/version.h"
#include "report/json.h"
#include "node/say.h"
#include "node/stats.h"
#include "gate/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN_S 0.002

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, const char *help, double value)
{
	head(out, name, type, help);
	fprintf(out, "%s %.17g\n", name, value);
}

/* A label's value: backslash, quote and newline are escaped. */
static void print_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* {cgroup="…", and of a pod's namespace="…",pod="…" */
static void print_gate(FILE *out, const char *metric, const char *cgroup, const char *pod)
{
	fprintf(out, "%s{cgroup=\"", metric);
	print_label(out, bg_escape(cgroup));
	if (pod) {
		const char *name = strchr(pod, '/') + 1;
		char namespace[304];

		snprintf(namespace, sizeof(namespace), "%.*s", (int)(name - pod - 1), pod);
		fputs("\",namespace=\"", out);
		print_label(out, bg_escape(namespace));
		fputs("\",pod=\"", out);
		print_label(out, bg_escape(name));
	}
}

struct gates {
	const struct workloads *workloads;
	FILE *binds, *rules; /* series of each metric stand together */
	char *binds_text, *rules_text;
	size_t binds_size, rules_size;
	__u64 others[BG_VERDICTS];
	unsigned int count;
};

static void add_gate(struct gates *gates, const struct bg_gate *gate)
{
	const char *name = gate->cgroup.name, *pod = workloads_name(gates->workloads, name);
	char rule[BG_RULE_TEXT_MAX];

	if (gates->count++ >= METRICS_GATES_MAX) {
		for (int verdict = 0; verdict < BG_VERDICTS; verdict++)
			gates->others[verdict] += gate->verdicts[verdict];
		return;
	}
	for (__u8 verdict = 0; verdict < BG_VERDICTS; verdict++) {
		print_gate(gates->binds, "bindgate_binds_total", name, pod);
		fprintf(gates->binds, "\",verdict=\"%s\"} %llu\n", bg_verdict_name(verdict),
			gate->verdicts[verdict]);
	}
	for (unsigned int i = 0; i < gate->policy.count; i++) {
		bool twice = false;

		for (unsigned int k = 0; k < i && !twice; k++) /* a series is told once */
			twice = bg_rule_same(&gate->policy.rules[k], &gate->policy.rules[i]);
		if (twice)
			continue;
		print_gate(gates->rules, "bindgate_rule_hits_total", name, pod);
		fprintf(gates->rules, "\",rule=\"%s\"} %llu\n", bg_rule_print(&gate->policy.rules[i], rule),
			gate->hits[i]);
	}
}

struct metrics {
	const char *pin_dir;
	const struct workloads *workloads;
	bool under_way, begun;
	struct gates gates;
	__u64 *ids;
	size_t count, next;
	struct bg_gate gate; /* for reading one */
};

/* false: there are more. The lock is let go in between: whoever makes gates waits no longer than a turn. */
static bool read_gates(struct metrics *metrics)
{
	double end = bg_clock_seconds() + TURN_S;
	struct bg_store store;

	if (bg_store_open(metrics->pin_dir, BG_STORE_READ, &store, NULL))
		return true;
	if (!metrics->begun)
		bg_gate_ids(&store, &metrics->ids, &metrics->count, NULL);
	metrics->begun = true;
	while (metrics->next < metrics->count && bg_clock_seconds() < end)
		if (!bg_gate_read(&store, metrics->ids[metrics->next++], &metrics->gate, NULL))
			add_gate(&metrics->gates, &metrics->gate);
	bg_store_close(&store);
	return metrics->next == metrics->count;
}

static void close_gates(struct gates *gates)
{
	if (gates->count > METRICS_GATES_MAX)
		for (__u8 verdict = 0; verdict < BG_VERDICTS; verdict++)
			fprintf(gates->binds, "bindgate_binds_total{cgroup=\"(others)\",verdict=\"%s\"} %llu\n",
				bg_verdict_name(verdict), gates->others[verdict]);
	fclose(gates->binds);
	fclose(gates->rules);
}

static void print_histogram(FILE *out)
{
	static const char name[] = "bindgate_reconcile_duration_seconds";

	head(out, name, "histogram", "Time from taking the lock to having the gates as wanted.");
	for (int i = 0; i < RECONCILE_BUCKETS; i++)
		fprintf(out, "%s_bucket{le=\"%g\"} %llu\n", name, reconcile_limits[i], stats.reconcile_buckets[i]);
	fprintf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name, stats.reconciles, name,
		stats.reconcile_seconds, name, stats.reconciles);
}

static void print_engine(const struct engine *engine, void *arg)
{
	FILE *out = arg;

	fprintf(out, "bindgate_engine_away_seconds{source=\"%s\",socket=\"", engine->source->name);
	print_label(out, bg_escape(engine->socket));
	fprintf(out, "\"} %u\n", engine_away_seconds(engine));
}

struct metrics *metrics_open(const char *pin_dir, const struct workloads *workloads)
{
	struct metrics *metrics = bg_need(calloc(1, sizeof(*metrics)));

	metrics->pin_dir = pin_dir;
	metrics->workloads = workloads;
	return metrics;
}

static void end_gates(struct metrics *metrics)
{
	free(metrics->gates.binds_text);
	free(metrics->gates.rules_text);
	free(metrics->ids);
	*metrics = (struct metrics){ .pin_dir = metrics->pin_dir, .workloads = metrics->workloads };
}

void metrics_close(struct metrics *metrics)
{
	if (metrics && metrics->under_way) {
		close_gates(&metrics->gates);
		end_gates(metrics);
	}
	free(metrics);
}

void metrics_begin(struct metrics *metrics)
{
	struct gates *gates = &metrics->gates;

	if (metrics->under_way)
		return;
	metrics->under_way = true;
	gates->workloads = metrics->workloads;
	gates->binds = bg_need(open_memstream(&gates->binds_text, &gates->binds_size));
	gates->rules = bg_need(open_memstream(&gates->rules_text, &gates->rules_size));
}

bool metrics_under_way(const struct metrics *metrics)
{
	return metrics->under_way;
}

static char *print(const struct gates *gates)
{
	char *text = NULL;
	size_t size;
	FILE *out = bg_need(open_memstream(&text, &size));

	head(out, "bindgate_build_info", "gauge", "The version of bindgated.");
	fprintf(out, "bindgate_build_info{version=\"%s\"} 1\n", bg_version);
	single(out, "bindgate_gates", "gauge", "Gates in the kernel, whoever made them.", gates->count);
	single(out, "bindgate_gates_wanted", "gauge", "Cgroups that the daemon wants a gate on.",
	       stats.gates_wanted);
	single(out, "bindgate_conflicts", "gauge", "Wanted gates that could not be had; status tells why.",
	       stats.conflicts);
	head(out, "bindgate_binds_total", "counter", "Binds by gate and verdict.");
	fputs(gates->binds_text, out);
	head(out, "bindgate_rule_hits_total", "counter", "Binds that a rule decided.");
	fputs(gates->rules_text, out);
	print_histogram(out);
	head(out, "bindgate_errors_total", "counter", "What went wrong, by where.");
	for (int i = 0; i < ERROR_REASONS; i++)
		fprintf(out, "bindgate_errors_total{reason=\"%s\"} %llu\n", error_reasons[i], stats.errors[i]);
	head(out, "bindgate_config_reloads_total", "counter", "Times that the configuration was read anew.");
	fprintf(out, "bindgate_config_reloads_total{result=\"taken\"} %llu\n", stats.reloads);
	fprintf(out, "bindgate_config_reloads_total{result=\"refused\"} %llu\n", stats.reloads_failed);
	single(out, "bindgate_config_valid", "gauge", "1 where the files as they are now are in force.",
	       stats.config_valid);
	single(out, "bindgate_events_lost_total", "counter", "Decisions that came faster than they were read.",
	       (double)stats.events_lost);
	single(out, "bindgate_log_lines_total", "counter", "Decisions logged.", (double)stats.log_lines);
	single(out, "bindgate_log_dropped_total", "counter", "Decisions not logged: too many a second, or no room.",
	       (double)stats.log_dropped);
	single(out, "bindgate_watches", "gauge", "Directories of the cgroup tree that are watched.", stats.watches);
	single(out, "bindgate_unwatched", "gauge",
	       "Directories of the cgroup tree that cannot be watched, and are looked at instead.",
	       stats.unwatched);
	single(out, "bindgate_pods", "gauge", "Pods that have a gate.", stats.pods_now);
	single(out, "bindgate_pods_refused", "gauge", "Pods whose request is refused; status tells why.",
	       stats.pods_refused_now);
	head(out, "bindgate_engine_away_seconds", "gauge",
	     "How long a container engine has not been heard; 0: it is, status tells why not.");
	workloads_each_engine(gates->workloads, print_engine, out);
	fclose(out);
	return text;
}

char *metrics_turn(struct metrics *metrics)
{
	char *text;

	if (!metrics->under_way || !read_gates(metrics))
		return NULL;
	close_gates(&metrics->gates);
	text = print(&metrics->gates);
	end_gates(metrics);
	return text;
}

struct status {
	json_t *gates;
	const struct workloads *workloads;
};

static void add_status(const char *path, enum desired_source source, const char *problem, void *arg)
{
	const struct status *status = arg;
	const char *pod = source == FROM_PODS ? workloads_name(status->workloads, path) : NULL;

	json_array_append_new(status->gates, json_pack("{s:o,s:s,s:o,s:o}", "cgroup", bg_json_text(path), "source",
						       source == FROM_PODS ? "pods" : "gates", "pod",
						       pod ? bg_json_text(pod) : json_null(), "problem",
						       problem ? bg_json_text(problem) : json_null()));
}

json_t *status_json(const struct desired *desired, const struct workloads *workloads)
{
	struct status status = { .gates = json_array(), .workloads = workloads };

	desired_each(desired, add_status, &status);
	return json_pack("{s:s,s:b,s:o}", "version", bg_version, "config_valid", stats.config_valid, "gates",
			 status.gates);
}
