/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_METRICS_H
#define BINDGATED_METRICS_H

#include "node/desired.h"
#include "node/workloads.h"

#include <jansson.h>

/* The gates that have series of their own; the binds of those beyond are told together, as cgroup="(others)". */
#define METRICS_GATES_MAX 1000

/* All metrics in Prometheus' text format; to be freed. */
char *metrics_print(const char *pin_dir, const struct workloads *workloads);

/* What the daemon wants and has, as `bindgated status` shows it. A new reference. */
json_t *status_json(const struct desired *desired, const struct workloads *workloads);

#endif
