/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_NRI_PODS_H
#define BINDGATED_NRI_PODS_H

#include "node/source/workload.h"
#include "nri.pb-c.h"

/* Pods as NRI tells them, as workloads. All of it belongs to the messages, which belong to this. */
struct nri_pods {
	Nri__Synchronize **parts;
	size_t parts_count, bytes;
	struct workload *workloads; /* of all parts, the running ones first */
	size_t count;
	struct bg_label *labels;
	char **cgroups;
};

/* Takes over a part of so many bytes. -E2BIG: they are too many in all. */
int nri_pods_add(struct nri_pods *pods, Nri__Synchronize *part, size_t bytes);

/* Makes the workloads of the parts. */
void nri_pods_finish(struct nri_pods *pods);
void nri_pods_free(struct nri_pods *pods);

#endif
