/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_POD_CGROUP_H
#define BINDGATED_POD_CGROUP_H

#include <stdbool.h>

/* How kubelets name the cgroups of pods. */

#define POD_UID_MAX 64

/* The uid of a pod from its cgroup's path: "pod<uid>", or of the systemd driver "kubepods-burstable-pod<uid with _>.slice".
 * Static pods have uids that are hashes, without dashes. false: it is no such name. */
bool pod_cgroup_uid(const char *path, char uid[static POD_UID_MAX + 1]);

/* Likewise of the pod whose cgroup it is directly below. */
bool pod_cgroup_uid_above(const char *path, char uid[static POD_UID_MAX + 1]);

/* The patterns in which pods' cgroups appear, below `kubepods` or, where that is NULL, where kubelets make them.
 * Those from *inner on are of what is within pods. To be freed with pod_cgroup_free_patterns. */
char **pod_cgroup_patterns(const char *kubepods, unsigned int *inner, unsigned int *count);
void pod_cgroup_free_patterns(char **patterns, unsigned int count);

#endif
