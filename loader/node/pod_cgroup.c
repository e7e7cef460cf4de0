// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/pod_cgroup.h"

#include "base/need.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pod_cgroup_uid_above(const char *path, char uid[static POD_UID_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	char *parent = bg_need(strndup(path, slash ? (size_t)(slash - path) : 0));
	bool is = pod_cgroup_uid(parent, uid);

	free(parent);
	return is;
}

char **pod_cgroup_patterns(const char *kubepods, unsigned int *inner, unsigned int *count)
{
	static const char *const usual[] = { "/kubepods",
					     "/kubepods.slice", /* and of kind, whose nodes are containers: */
					     "/kubelet/kubepods", "/kubelet.slice/kubelet-kubepods.slice" };
	static const char *const below[] = { "pod*", "*/pod*", "*-pod*.slice", "*/*-pod*.slice" };
	unsigned int roots = kubepods ? 1 : sizeof(usual) / sizeof(*usual), each = sizeof(below) / sizeof(*below);
	char **patterns = bg_need(calloc(2UL * roots * each, sizeof(*patterns)));

	*inner = roots * each;
	*count = 2 * *inner;
	for (unsigned int i = 0; i < *inner; i++) {
		const char *root = kubepods ? kubepods : usual[i / each];

		if (asprintf(&patterns[i], "%s/%s", root, below[i % each]) < 0 ||
		    asprintf(&patterns[*inner + i], "%s/%s/*", root, below[i % each]) < 0)
			bg_need(NULL);
	}
	return patterns;
}

void pod_cgroup_free_patterns(char **patterns, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(patterns[i]);
	free(patterns);
}

bool pod_cgroup_uid(const char *path, char uid[static POD_UID_MAX + 1])
{
	const char *name = strrchr(path, '/'), *start;
	size_t length;

	name = name ? name + 1 : path;
	length = strlen(name);
	if (length > 6 && !strcmp(name + length - 6, ".slice")) {
		start = strstr(name, "-pod");
		start = start ? start + 4 : NULL;
		length -= 6;
	} else {
		start = strncmp(name, "pod", 3) ? NULL : name + 3;
	}
	if (!start || start >= name + length || (size_t)(name + length - start) > POD_UID_MAX)
		return false;
	length = (size_t)(name + length - start);
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)start[i]) && start[i] != '-' && start[i] != '_')
			return false;
		uid[i] = start[i];
		if (uid[i] == '_')
			uid[i] = '-';
	}
	uid[length] = '\0';
	return true;
}
