/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_PODS_H
#define BINDGATED_PODS_H

#include "config/merge.h"
#include "node/desired.h"
#include "node/source/source.h"

#include <jansson.h>

/*
 * Pods: their cgroups, found in the tree; the workloads, told by the sources; and the grants that join both. A pod's
 * gate is on its pod-level cgroup, so that it covers containers that come later. What sources told is kept, so that
 * another configuration does not need them.
 */
struct pods;

struct pods *pods_open(struct desired *desired);
void pods_close(struct pods *pods);

/* The grants that hold from now on; they must stay until the next. */
void pods_configure(struct pods *pods, const struct bg_config *config);

/* A pod's cgroup came or went. appeared: is it one that no workload is known of? */
bool pods_appeared(struct pods *pods, const char *path);
bool pods_vanished(struct pods *pods, const char *path);

/* Is the cgroup within that of a pod of which no workload is known? */
bool pods_is_unknown(struct pods *pods, const char *path);

/* What a source tells, see struct source_calls. source: below PODS_SOURCES; one pod may be told of by several. */
#define PODS_SOURCES 30
void pods_listed(struct pods *pods, unsigned int source, const struct workload *workloads, size_t count);
int pods_began(struct pods *pods, unsigned int source, const struct workload *workload, enum workload_stage stage,
	       struct bg_error *error);
void pods_ended(struct pods *pods, unsigned int source, const struct workload *workload);

/* What the sources told till now was told by nobody, unless they tell it again before pods_drop_stale. */
void pods_make_stale(struct pods *pods);
void pods_drop_stale(struct pods *pods);

/* Has each pod's gate be what its grant says. */
void pods_update(struct pods *pods);

/* How many cgroups have no workload. */
unsigned int pods_unknown(const struct pods *pods);

/* Nobody asks for pods any more. */
void pods_forget(struct pods *pods);

/* The "namespace/name" of the pod whose cgroup that is; NULL: it is of none that is known. Good until sources tell more. */
const char *pods_name(struct pods *pods, const char *path);

/* Pods whose request is refused: [{"pod": "namespace/name", "cgroup": …, "reason": …}]. A new reference. */
json_t *pods_refused_json(const struct pods *pods);

#endif
