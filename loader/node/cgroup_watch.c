// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/cgroup_watch.h"

#include "cgroup/cgroup.h"
#include "node/say.h"
#include "base/inotify.h"
#include "cgroup/mount.h"
#include "cgroup/unit.h"
#include "cgroup/user.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct watch {
	int wd;
	char *path; /* below the mount; "" is the mount */
};

struct cgroup_watch {
	struct cgroup_watch_calls calls;
	const char *mount;
	const char *const *patterns;
	unsigned int patterns_count;
	int inotify;
	void *watches; /* a tree of struct watch by wd, as tsearch(3) has it */
	void *paths;   /* another one of the same, by path */
	unsigned int watches_count;
	bool overflowed;
	bool missed; /* a part of it could not be looked at */
	bool told;   /* said so */
};

static int by_wd(const void *a, const void *b)
{
	const struct watch *x = a, *y = b;

	return x->wd < y->wd ? -1 : x->wd > y->wd;
}

static int by_path(const void *a, const void *b)
{
	const struct watch *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* ---- patterns ---- */

enum match {
	NOTHING,
	ON_THE_WAY, /* something below may match */
	MATCHES,
};

static bool ends_in_slice(const char *part, size_t length)
{
	return length > 6 && !memcmp(part + length - 6, ".slice", 6);
}

/* A systemd unit lives in slices, nothing but slices: what users and containers call so is elsewhere. */
static enum match match_unit(const char *name, const char *path)
{
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (!path[length] && bg_unit_is(name, path))
			return MATCHES;
		if (!ends_in_slice(path, length))
			return NOTHING;
		path += length;
	}
	return ON_THE_WAY;
}

/* The user is looked up when a slice is there: at boot, when patterns are taken, directories of users may not be. */
static enum match match_user(const char *user, const char *path)
{
	static const char slices[] = "/user.slice";
	char slice[PATH_MAX];
	size_t length = strlen(path);

	if (!*path || !strcmp(path, "/") || !strcmp(path, slices))
		return ON_THE_WAY;
	if (strncmp(path, "/user.slice/user-", 17) || strchr(path + 17, '/') || !ends_in_slice(path, length))
		return NOTHING;
	return !bg_cgroup_of_user(user, slice, NULL) && !strcmp(slice, path) ? MATCHES : NOTHING;
}

static enum match match(const char *pattern, const char *path)
{
	if (!strncmp(pattern, "unit:", 5))
		return match_unit(pattern + 5, path);
	if (!strncmp(pattern, "user:", 5))
		return match_user(pattern + 5, path);
	for (;;) {
		char part[NAME_MAX + 1], name[NAME_MAX + 1];
		size_t part_length, name_length;

		pattern += strspn(pattern, "/");
		path += strspn(path, "/");
		if (!*path)
			return *pattern ? ON_THE_WAY : MATCHES;
		if (!*pattern)
			return NOTHING;
		part_length = strcspn(pattern, "/");
		name_length = strcspn(path, "/");
		if (part_length > NAME_MAX || name_length > NAME_MAX)
			return NOTHING;
		memcpy(part, pattern, part_length);
		memcpy(name, path, name_length);
		part[part_length] = name[name_length] = '\0';
		if (strcmp(part, name) && fnmatch(part, name, 0))
			return NOTHING;
		pattern += part_length;
		path += name_length;
	}
}

bool cgroup_watch_matches(const char *pattern, const char *path)
{
	return match(pattern, path) == MATCHES;
}

/* ---- directories ---- */

static void free_watch(void *arg)
{
	struct watch *watch = arg;

	free(watch->path);
	free(watch);
}

static struct watch *find(void *const *watches, const struct watch *key, int (*by)(const void *a, const void *b))
{
	void *found = tfind(key, watches, by);

	return found ? *(struct watch **)found : NULL;
}

static void drop_watch(struct cgroup_watch *tree, struct watch *watch)
{
	if (!watch)
		return;
	inotify_rm_watch(tree->inotify, watch->wd);
	tdelete(watch, &tree->watches, by_wd);
	tdelete(watch, &tree->paths, by_path);
	free_watch(watch);
	tree->watches_count--;
}

/* A part of the tree that could not be looked at. What is gone by now is none. */
static void missed(struct cgroup_watch *tree, const char *path)
{
	if (errno == ENOENT || errno == ENODEV)
		return;
	if (!tree->missed && !tree->told)
		say(LOG_WARNING, "cannot watch the cgroup %s, what comes there is gated late: %s%s",
		    *path ? path : "/", strerror(errno),
		    errno == ENOSPC ? "; the sysctl fs.inotify.max_user_watches may be too low" : "");
	tree->missed = tree->told = true;
}

static bool add_watch(struct cgroup_watch *tree, const char *path)
{
	char full[PATH_MAX];
	struct watch *watch, key = { .path = (char *)path };

	if (snprintf(full, sizeof(full), "%s%s", tree->mount, path) >= (int)sizeof(full))
		return false;
	key.wd = inotify_add_watch(tree->inotify, full, IN_CREATE | IN_DELETE | IN_ONLYDIR);
	if (key.wd < 0) {
		missed(tree, path);
		return false;
	}
	if (find(&tree->watches, &key, by_wd))
		return true;
	drop_watch(tree, find(&tree->paths, &key, by_path)); /* of one that was there before */
	watch = bg_need(malloc(sizeof(*watch)));
	*watch = (struct watch){ .wd = key.wd, .path = bg_need(strdup(path)) };
	bg_need(tsearch(watch, &tree->watches, by_wd));
	bg_need(tsearch(watch, &tree->paths, by_path));
	tree->watches_count++;
	return true;
}

/* Watched first and then read: what is made in between is seen twice rather than not at all. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the longest pattern */
static void visit(struct cgroup_watch *tree, const char *path)
{
	bool on_the_way = false, told = false;
	char child[PATH_MAX], full[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	for (unsigned int i = 0; i < tree->patterns_count; i++) {
		enum match how = match(tree->patterns[i], path);

		if (how == MATCHES && !told) {
			tree->calls.appeared(*path ? path : "/", i, tree->calls.arg);
			told = true;
		}
		on_the_way |= how == ON_THE_WAY;
	}
	if (!on_the_way || !add_watch(tree, path))
		return;
	snprintf(full, sizeof(full), "%s%s", tree->mount, path);
	dir = opendir(full);
	if (!dir) {
		missed(tree, path);
		return;
	}
	while (errno = 0, entry = readdir(dir))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) < (int)sizeof(child))
			visit(tree, child);
	if (errno)
		missed(tree, path);
	closedir(dir);
}

static void keep(void *watch)
{
	(void)watch;
}

static void forget_all(struct cgroup_watch *tree)
{
	tdestroy(tree->paths, keep);
	tdestroy(tree->watches, free_watch);
	tree->watches = tree->paths = NULL;
	tree->watches_count = 0;
}

static bool begin(struct cgroup_watch *tree)
{
	if (tree->inotify >= 0)
		close(tree->inotify);
	forget_all(tree);
	tree->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return tree->inotify >= 0;
}

struct cgroup_watch *cgroup_watch_open(const struct cgroup_watch_calls *calls, struct bg_error *error)
{
	struct cgroup_watch *tree = bg_need(calloc(1, sizeof(*tree)));

	tree->calls = *calls;
	tree->inotify = -1;
	if (bg_cgroup_mount(&tree->mount, error)) {
		free(tree);
		return NULL;
	}
	if (!begin(tree)) {
		bg_error(error, -errno, "cannot watch the cgroup tree: %s", strerror(errno));
		free(tree);
		return NULL;
	}
	return tree;
}

void cgroup_watch_close(struct cgroup_watch *tree)
{
	forget_all(tree);
	close(tree->inotify);
	free(tree);
}

void cgroup_watch_set_patterns(struct cgroup_watch *tree, const char *const *patterns, unsigned int count)
{
	tree->patterns = patterns;
	tree->patterns_count = count;
}

struct prune {
	struct cgroup_watch *tree;
	struct watch **each;
	size_t count;
};

static void find_needless(const void *node, VISIT which, void *arg)
{
	struct watch *watch = *(struct watch *const *)node;
	struct prune *prune = arg;

	if (which != postorder && which != leaf)
		return;
	for (unsigned int i = 0; i < prune->tree->patterns_count; i++)
		if (match(prune->tree->patterns[i], watch->path) == ON_THE_WAY)
			return;
	prune->each = bg_need(reallocarray(prune->each, prune->count + 1, sizeof(*prune->each)));
	prune->each[prune->count++] = watch;
}

/* Takes away the watches that no pattern needs any more. */
static void prune_watches(struct cgroup_watch *tree)
{
	struct prune prune = { .tree = tree };

	twalk_r(tree->watches, find_needless, &prune);
	for (size_t i = 0; i < prune.count; i++)
		drop_watch(tree, prune.each[i]);
	free(prune.each);
}

bool cgroup_watch_walk(struct cgroup_watch *tree)
{
	/* After lost events nobody knows which watches are left. Only then: closing an inotify takes some 10 ms. */
	if (tree->overflowed && !begin(tree)) {
		missed(tree, "");
		return false;
	}
	tree->overflowed = tree->missed = false;
	prune_watches(tree);
	visit(tree, "");
	if (tree->told && !tree->missed) {
		say(LOG_INFO, "all of the cgroup tree can be watched again");
		tree->told = false;
	}
	return !tree->missed;
}

int cgroup_watch_fd(const struct cgroup_watch *tree)
{
	return tree->inotify;
}

unsigned int cgroup_watch_watches(const struct cgroup_watch *tree)
{
	return tree->watches_count;
}

static bool handle(const struct inotify_event *event, void *arg)
{
	struct cgroup_watch *tree = arg;
	struct watch key = { .wd = event->wd }, *watch = find(&tree->watches, &key, by_wd);
	char path[PATH_MAX];

	if (event->mask & IN_Q_OVERFLOW) {
		tree->overflowed = true;
		return false;
	}
	if (!watch || !(event->mask & IN_ISDIR) || !event->len)
		return true;
	if (snprintf(path, sizeof(path), "%s/%s", watch->path, event->name) >= (int)sizeof(path))
		return true;
	if (event->mask & IN_CREATE) {
		visit(tree, path);
		return true;
	}
	key.path = path;
	drop_watch(tree, find(&tree->paths, &key, by_path)); /* cgroupfs does not end it by itself */
	tree->calls.vanished(path, tree->calls.arg);
	return true;
}

bool cgroup_watch_read(struct cgroup_watch *tree)
{
	bool missed_before = tree->missed;

	return bg_inotify_read(tree->inotify, handle, tree) && (missed_before || !tree->missed);
}
