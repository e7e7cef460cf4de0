/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_PODS_H
#define BINDGATED_PODS_H

#include "config/merge.h"
#include "node/desired.h"
#include "node/source/workload.h"

#include <jansson.h>

/*
 * Pods: their cgroups, found in the tree; the workloads, told by the sources; and the grants that join both. A pod's
 * gate is on its pod-level cgroup, so that it covers containers that come later.
 */
struct pods;

struct pods *pods_open(struct desired *desired);
void pods_close(struct pods *pods);

/* The patterns in which pods' cgroups appear, below `kubepods` or, where that is NULL, where kubelets make them.
 * Those from *inner on are of what is within pods. To be freed with pods_free_patterns. */
char **pods_patterns(const char *kubepods, unsigned int *inner, unsigned int *count);
void pods_free_patterns(char **patterns, unsigned int count);

/* A pod's cgroup came or went. appeared: is it one that no workload is known of yet? */
bool pods_appeared(struct pods *pods, const char *path);
bool pods_vanished(struct pods *pods, const char *path);

/* Has each pod's gate be what its grant says. Returns how many cgroups have no workload yet. */
unsigned int pods_update(struct pods *pods, const struct bg_config *config, const struct workload *workloads,
			 size_t workloads_count);

/* Nobody asks for pods any more. */
void pods_forget(struct pods *pods);

/* Pods whose request is refused: [{"pod": "namespace/name", "reason": …}]. A new reference. */
json_t *pods_refused_json(const struct pods *pods);

#endif
