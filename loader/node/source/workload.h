/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_WORKLOAD_H
#define BINDGATED_WORKLOAD_H

#include "config/grant.h"

/* Something that an engine runs in a cgroup of its own: a pod, a container. Texts and lists belong to who tells of it. */
struct workload {
	const char *id;  /* of a pod: its uid */
	const char *run; /* the engine's own id of this run of it: a pod may have had a sandbox before */
	const char *name;
	const char *namespace; /* "": the engine has none */
	const struct bg_label *labels, *annotations;
	size_t labels_count, annotations_count;
	const char *cgroup; /* below the cgroup2 mount; NULL: the engine does not say, the id is in its cgroup's name */
};

/* In one piece of memory, to be freed. */
struct workload *workload_copy(const struct workload *workload);

#endif
