/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_WORKLOAD_H
#define BINDGATED_WORKLOAD_H

#include "config/grant.h"

/* Something that an engine runs in a cgroup of its own: a pod, a container. All of it belongs to the source. */
struct workload {
	const char *id; /* of a pod: its uid */
	const char *name;
	const char *namespace; /* "": the engine has none */
	const struct bg_label *labels, *annotations;
	size_t labels_count, annotations_count;
	const char *cgroup; /* below the cgroup2 mount; NULL: the engine does not say, the id is in its cgroup's name */
};

#endif
