// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/cri_list.h"

#include "base/need.h"
#include "cri.pb-c.h"

#include <errno.h>
#include <stdlib.h>

#define READY 0 /* a sandbox's state */

static Cri__Sandboxes *unpack(const unsigned char *frame, size_t size)
{
	size_t length;

	if (size < CRI_FRAME_HEAD || frame[0] != 0)
		return NULL;
	length = (size_t)frame[1] << 24 | (size_t)frame[2] << 16 | (size_t)frame[3] << 8 | frame[4];
	if (length != size - CRI_FRAME_HEAD)
		return NULL;
	return cri__sandboxes__unpack(NULL, length, frame + CRI_FRAME_HEAD);
}

static bool counts(const Cri__Sandbox *sandbox)
{
	return sandbox->state == READY && sandbox->metadata;
}

static const struct bg_label *add_labels(struct bg_label **end, Cri__Entry *const *entries, size_t count)
{
	const struct bg_label *first = *end;

	for (size_t i = 0; i < count; i++)
		*(*end)++ = (struct bg_label){ .key = entries[i]->key, .value = entries[i]->value };
	return first;
}

int cri_list_read(const void *bytes, size_t size, struct cri_list *list)
{
	Cri__Sandboxes *sandboxes = unpack(bytes, size);
	struct bg_label *label;
	size_t labels = 0;

	if (!sandboxes)
		return -EPROTO;
	for (size_t i = 0; i < sandboxes->n_items; i++)
		if (counts(sandboxes->items[i]))
			labels += sandboxes->items[i]->n_labels + sandboxes->items[i]->n_annotations;
	*list = (struct cri_list){
		.workloads = bg_need(calloc(sandboxes->n_items + 1, sizeof(*list->workloads))),
		.labels = bg_need(calloc(labels + 1, sizeof(*list->labels))),
		.message = sandboxes,
	};
	label = list->labels;
	for (size_t i = 0; i < sandboxes->n_items; i++) {
		const Cri__Sandbox *sandbox = sandboxes->items[i];

		if (!counts(sandbox))
			continue;
		list->workloads[list->count++] = (struct workload){
			.id = sandbox->metadata->uid,
			.run = sandbox->id,
			.name = sandbox->metadata->name,
			.namespace = sandbox->metadata->namespace_,
			.labels = add_labels(&label, sandbox->labels, sandbox->n_labels),
			.labels_count = sandbox->n_labels,
			.annotations = add_labels(&label, sandbox->annotations, sandbox->n_annotations),
			.annotations_count = sandbox->n_annotations,
		};
	}
	return 0;
}

void cri_list_free(struct cri_list *list)
{
	free(list->workloads);
	free(list->labels);
	cri__sandboxes__free_unpacked(list->message, NULL);
}
