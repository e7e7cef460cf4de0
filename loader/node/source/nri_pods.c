// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/nri_pods.h"

#include "base/need.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (32 << 20) /* some 30,000 pods */

int nri_pods_add(struct nri_pods *pods, Nri__Synchronize *part, size_t bytes)
{
	pods->parts = bg_need(reallocarray(pods->parts, pods->parts_count + 1, sizeof(*pods->parts)));
	pods->parts[pods->parts_count++] = part;
	pods->bytes += bytes + 1024; /* empty parts count too */
	return pods->bytes > BYTES_MAX ? -E2BIG : 0;
}

static const struct bg_label *add_labels(struct bg_label **end, Nri__Entry *const *entries, size_t count)
{
	const struct bg_label *first = *end;

	for (size_t i = 0; i < count; i++)
		*(*end)++ = (struct bg_label){ .key = entries[i]->key, .value = entries[i]->value };
	return first;
}

/* "a-b-c.slice" is where systemd has it: "/a.slice/a-b.slice/a-b-c.slice". */
static char *expand_slice(const char *name)
{
	size_t length = strlen(name) - strlen(".slice"), size;
	char *path = NULL;
	FILE *out = bg_need(open_memstream(&path, &size));

	for (size_t i = 1; i < length; i++)
		if (name[i] == '-')
			fprintf(out, "/%.*s.slice", (int)i, name);
	fprintf(out, "/%s", name);
	fclose(out);
	return bg_need(path);
}

/* The kubelet gives a path, or of systemd's the last name. NULL: it is neither. */
static char *cgroup_of(const Nri__Pod *pod)
{
	const char *parent = pod->on_linux ? pod->on_linux->cgroup_parent : "";
	size_t length = strlen(parent);

	if (length > 4000 || strstr(parent, ".."))
		return NULL;
	if (*parent == '/')
		return bg_need(strdup(parent));
	if (length > 6 && length < 256 && !strchr(parent, '/') && !strcmp(parent + length - 6, ".slice"))
		return expand_slice(parent);
	return NULL;
}

static void add_pod(struct nri_pods *pods, const Nri__Pod *pod, struct bg_label **label)
{
	pods->cgroups[pods->count] = cgroup_of(pod);
	pods->workloads[pods->count] = (struct workload){
		.id = pod->uid,
		.run = pod->id,
		.name = pod->name,
		.namespace = pod->namespace_,
		.labels = add_labels(label, pod->labels, pod->n_labels),
		.labels_count = pod->n_labels,
		.annotations = add_labels(label, pod->annotations, pod->n_annotations),
		.annotations_count = pod->n_annotations,
		.cgroup = pods->cgroups[pods->count],
	};
	pods->count++;
}

static void add_pods(struct nri_pods *pods, bool running, struct bg_label **label)
{
	for (size_t i = 0; i < pods->parts_count; i++)
		for (size_t k = 0; k < pods->parts[i]->n_pods; k++)
			if (!!pods->parts[i]->pods[k]->pid == running)
				add_pod(pods, pods->parts[i]->pods[k], label);
}

void nri_pods_finish(struct nri_pods *pods)
{
	size_t count = 0, labels = 0;
	struct bg_label *label;

	for (size_t i = 0; i < pods->parts_count; i++) {
		const Nri__Synchronize *part = pods->parts[i];

		count += part->n_pods;
		for (size_t k = 0; k < part->n_pods; k++)
			labels += part->pods[k]->n_labels + part->pods[k]->n_annotations;
	}
	pods->workloads = bg_need(calloc(count + 1, sizeof(*pods->workloads)));
	pods->cgroups = bg_need(calloc(count + 1, sizeof(*pods->cgroups)));
	pods->labels = label = bg_need(calloc(labels + 1, sizeof(*pods->labels)));
	add_pods(pods, true, &label);
	add_pods(pods, false, &label); /* one that stopped, or of a runtime that tells no pid */
}

void nri_pods_free(struct nri_pods *pods)
{
	if (!pods)
		return;
	for (size_t i = 0; i < pods->parts_count; i++)
		nri__synchronize__free_unpacked(pods->parts[i], NULL);
	for (size_t i = 0; i < pods->count; i++)
		free(pods->cgroups[i]);
	free(pods->parts);
	free(pods->workloads);
	free(pods->cgroups);
	free(pods->labels);
	free(pods);
}
