/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_METRICS_H
#define BINDGATED_METRICS_H

#include "node/desired.h"
#include "node/workloads.h"

#include <jansson.h>

/* The gates that have series of their own; the binds of those beyond are told together, as cgroup="(others)". */
#define METRICS_GATES_MAX 1000

/* All metrics in Prometheus' text format, made in turns of some 2 ms: gates are not to wait for them. */
struct metrics;
struct metrics *metrics_open(const char *pin_dir, const struct workloads *workloads);
void metrics_close(struct metrics *metrics);
void metrics_begin(struct metrics *metrics); /* nothing where they are being made already */
bool metrics_under_way(const struct metrics *metrics);
char *metrics_turn(struct metrics *metrics); /* the text, to be freed; NULL: more turns are needed */

/* What the daemon wants and has, as `bindgated status` shows it. A new reference. */
json_t *status_json(const struct desired *desired, const struct workloads *workloads);

#endif
