// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/workload.h"

#include "base/need.h"

#include <stdlib.h>
#include <string.h>

/* Where the next text goes. */
struct copy {
	char *end;
};

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *copy_text(struct copy *copy, const char *text)
{
	size_t size = size_of(text);

	if (!text)
		return NULL;
	memcpy(copy->end, text, size);
	copy->end += size;
	return copy->end - size;
}

static size_t labels_size(const struct bg_label *labels, size_t count)
{
	size_t size = count * sizeof(*labels);

	for (size_t i = 0; i < count; i++)
		size += size_of(labels[i].key) + size_of(labels[i].value);
	return size;
}

/* The list itself was made room for at `to`; its texts go where the others are. */
static struct bg_label *copy_labels(struct copy *copy, struct bg_label *to, const struct bg_label *labels,
				    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		to[i].key = copy_text(copy, labels[i].key);
		to[i].value = copy_text(copy, labels[i].value);
	}
	return to;
}

struct workload *workload_copy(const struct workload *w)
{
	size_t size = sizeof(*w) + size_of(w->id) + size_of(w->run) + size_of(w->name) + size_of(w->namespace) +
		      size_of(w->cgroup) + labels_size(w->labels, w->labels_count) +
		      labels_size(w->annotations, w->annotations_count);
	struct workload *to = bg_need(malloc(size));
	struct bg_label *labels = (struct bg_label *)(to + 1), *annotations = labels + w->labels_count;
	struct copy copy = { .end = (char *)(annotations + w->annotations_count) };

	*to = (struct workload){
		.id = copy_text(&copy, w->id),
		.run = copy_text(&copy, w->run),
		.name = copy_text(&copy, w->name),
		.namespace = copy_text(&copy, w->namespace),
		.cgroup = copy_text(&copy, w->cgroup),
		.labels = copy_labels(&copy, labels, w->labels, w->labels_count),
		.labels_count = w->labels_count,
		.annotations = copy_labels(&copy, annotations, w->annotations, w->annotations_count),
		.annotations_count = w->annotations_count,
	};
	return to;
}
