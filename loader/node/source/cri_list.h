/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_CRI_LIST_H
#define BINDGATED_CRI_LIST_H

#include "node/source/workload.h"

#define CRI_FRAME_HEAD 5 /* bytes before a gRPC message: whether it is compressed, its length in 4 bytes */

/* The sandboxes that are ready. */
struct cri_list {
	struct workload *workloads;
	size_t count;
	struct bg_label *labels; /* of all of them, and their annotations */
	void *message;           /* which the texts are in */
};

/* Reads the answer of ListPodSandbox. -EPROTO: it is none, and there is nothing to free. */
int cri_list_read(const void *bytes, size_t size, struct cri_list *list);
void cri_list_free(struct cri_list *list);

#endif
