// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/cgroup_watch.h"

#include "cgroup/cgroup.h"
#include "base/clock.h"
#include "node/pattern.h"
#include "node/say.h"
#include "node/stats.h"
#include "base/inotify.h"
#include "cgroup/mount.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_S 0.1    /* between looks at what cannot be watched, */
#define LOOK_TIMES 20 /* but not more than this part of the time */

/* Sorted by name. */
struct children {
	struct dirent **each;
	int count;
};

struct watch {
	int wd;                   /* -1: it cannot be watched; then */
	struct children children; /* as seen last */
	char *path;               /* below the mount; "" is the mount */
};

struct cgroup_watch {
	struct cgroup_watch_calls calls;
	const char *mount;
	const char *const *patterns;
	unsigned int patterns_count;
	int inotify;   /* -1: there is none, */
	int why;       /* for this errno */
	void *watches; /* a tree of struct watch by wd, as tsearch(3) has it */
	void *paths;   /* another one of the same and of those that have none, by path */
	double look_due;
	bool overflowed;
	bool missed;                      /* a part of it could not be looked at */
	bool told_missed, told_unwatched; /* said so */
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

/* ---- directories ---- */

static void free_children(struct children *children)
{
	for (int i = 0; i < children->count; i++)
		free(children->each[i]);
	free(children->each);
	*children = (struct children){ 0 };
}

static void free_watch(void *arg)
{
	struct watch *watch = arg;

	free_children(&watch->children);
	free(watch->path);
	free(watch);
}

static struct watch *find(void *const *watches, const struct watch *key, int (*by)(const void *a, const void *b))
{
	void *found = tfind(key, watches, by);

	return found ? *(struct watch **)found : NULL;
}

static struct watch *find_path(const struct cgroup_watch *tree, const char *path)
{
	return find(&tree->paths, &(struct watch){ .path = (char *)path }, by_path);
}

static void drop_watch(struct cgroup_watch *tree, struct watch *watch)
{
	if (!watch)
		return;
	if (watch->wd >= 0) {
		inotify_rm_watch(tree->inotify, watch->wd);
		tdelete(watch, &tree->watches, by_wd);
		stats.watches--;
	} else {
		stats.unwatched--;
	}
	tdelete(watch, &tree->paths, by_path);
	free_watch(watch);
}

/* A part of the tree that could not be looked at. What is gone by now is none. */
static void missed(struct cgroup_watch *tree, const char *path)
{
	if (errno == ENOENT || errno == ENODEV)
		return;
	if (!tree->missed && !tree->told_missed)
		say(LOG_WARNING, "cannot read the cgroup %s, what comes there is gated late: %s",
		    *path ? path : "/", strerror(errno));
	tree->missed = tree->told_missed = true;
}

static void tell_unwatched(struct cgroup_watch *tree, const char *path, int err)
{
	if (!tree->told_unwatched)
		say(LOG_WARNING, "cannot watch the cgroup %s, so it is looked at again and again: %s%s",
		    *path ? path : "/", strerror(err),
		    err == ENOSPC   ? "; the sysctl fs.inotify.max_user_watches may be too low"
		    : err == EMFILE ? "; the sysctl fs.inotify.max_user_instances may be too low"
				    : "");
	tree->told_unwatched = true;
}

static void tell_whole(struct cgroup_watch *tree)
{
	if (!(tree->told_missed || tree->told_unwatched) || tree->missed || stats.unwatched)
		return;
	say(LOG_INFO, "all of the cgroup tree can be watched again");
	tree->told_missed = tree->told_unwatched = false;
}

/* Returns the watch; -1: there can be none now, as errno says. */
static int try_watch(const struct cgroup_watch *tree, const char *full)
{
	int wd = inotify_add_watch(tree->inotify, full, IN_CREATE | IN_DELETE | IN_ONLYDIR);

	if (wd < 0 && tree->inotify < 0)
		errno = access(full, F_OK) ? errno : tree->why;
	return wd;
}

static void set_watched(struct cgroup_watch *tree, struct watch *watch, int wd)
{
	watch->wd = wd;
	bg_need(tsearch(watch, &tree->watches, by_wd));
	stats.watches++;
}

/* NULL: it is gone. */
static struct watch *add_watch(struct cgroup_watch *tree, const char *path, const char *full)
{
	struct watch *watch, key = { .wd = try_watch(tree, full) };

	if (key.wd < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ENODEV)
			return NULL;
		tell_unwatched(tree, path, errno);
		if (!stats.unwatched)
			tree->look_due = bg_clock_seconds() + LOOK_S;
	} else if ((watch = find(&tree->watches, &key, by_wd))) {
		return watch;
	}
	drop_watch(tree, find_path(tree, path)); /* of one that was there before */
	watch = bg_need(malloc(sizeof(*watch)));
	*watch = (struct watch){ .wd = -1, .path = bg_need(strdup(path)) };
	bg_need(tsearch(watch, &tree->paths, by_path));
	if (key.wd >= 0)
		set_watched(tree, watch, key.wd);
	else
		stats.unwatched++;
	return watch;
}

static int is_directory(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* false: they could not be read. */
static bool read_children(struct cgroup_watch *tree, const char *path, const char *full, struct children *out)
{
	out->count = scandir(full, &out->each, is_directory, by_name);
	if (out->count >= 0)
		return true;
	*out = (struct children){ 0 };
	missed(tree, path);
	return false;
}

static bool full_path(const struct cgroup_watch *tree, const char *path, char full[PATH_MAX])
{
	return snprintf(full, PATH_MAX, "%s%s", tree->mount, path) < PATH_MAX;
}

static bool child_path(const char *path, const char *name, char child[PATH_MAX])
{
	return snprintf(child, PATH_MAX, "%s/%s", path, name) < PATH_MAX;
}

/* Watched first and then read: what is made in between is seen twice rather than not at all. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the longest pattern */
static void visit(struct cgroup_watch *tree, const char *path)
{
	bool on_the_way = false, told = false;
	char child[PATH_MAX], full[PATH_MAX];
	struct children children;
	struct watch *watch;

	for (unsigned int i = 0; i < tree->patterns_count; i++) {
		enum match how = pattern_match(tree->patterns[i], path);

		if (how == MATCHES && !told) {
			tree->calls.appeared(*path ? path : "/", i, tree->calls.arg);
			told = true;
		}
		on_the_way |= how == ON_THE_WAY;
	}
	if (!on_the_way || !full_path(tree, path, full))
		return;
	watch = add_watch(tree, path, full);
	if (!watch || !read_children(tree, path, full, &children))
		return;
	for (int i = 0; i < children.count; i++)
		if (child_path(path, children.each[i]->d_name, child))
			visit(tree, child);
	free_children(&watch->children);
	if (watch->wd < 0)
		watch->children = children;
	else
		free_children(&children);
}

/* ---- what cannot be watched ---- */

/* A directory went, and with it what was known to be within. false: what was within was told to inotify alone. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the longest pattern */
static bool vanish(struct cgroup_watch *tree, const char *path)
{
	struct watch *watch = find_path(tree, path);
	struct children within = { 0 };
	char child[PATH_MAX];
	bool known = true;

	if (watch) {
		known = watch->wd < 0;
		within = watch->children;
		watch->children = (struct children){ 0 };
		drop_watch(tree, watch); /* cgroupfs does not end it by itself */
	}
	for (int i = 0; i < within.count; i++)
		if (child_path(path, within.each[i]->d_name, child))
			known &= vanish(tree, child);
	free_children(&within);
	tree->calls.vanished(path, tree->calls.arg);
	return known;
}

/* What differs from what was there before is told. false: cgroup_watch_walk is needed. */
static bool compare(struct cgroup_watch *tree, const char *path, const struct children *before,
		    const struct children *now)
{
	char child[PATH_MAX];
	bool known = true;

	for (int i = 0, k = 0; i < before->count || k < now->count;) {
		const struct dirent *old = i < before->count ? before->each[i] : NULL;
		const struct dirent *new = k < now->count ? now->each[k] : NULL;
		int order = !old ? 1 : !new ? -1 : strcmp(old->d_name, new->d_name);
		bool same = !order && old->d_ino == new->d_ino;

		if (order <= 0 && !same && child_path(path, old->d_name, child))
			known &= vanish(tree, child);
		if (order >= 0 && !same && child_path(path, new->d_name, child))
			visit(tree, child);
		i += order <= 0;
		k += order >= 0;
	}
	return known;
}

static bool look_at(struct cgroup_watch *tree, const char *path)
{
	struct watch *watch = find_path(tree, path);
	struct children before, now;
	char full[PATH_MAX];
	bool known;
	int wd;

	if (!watch || watch->wd >= 0 || !full_path(tree, path, full))
		return true; /* what was found meanwhile was read */
	wd = try_watch(tree, full);
	if (wd >= 0) {
		set_watched(tree, watch, wd);
		stats.unwatched--;
	}
	if (!read_children(tree, path, full, &now))
		return errno == ENOENT; /* then its parent tells */
	before = watch->children;
	watch->children = wd < 0 ? now : (struct children){ 0 };
	known = compare(tree, path, &before, &now);
	free_children(&before);
	if (wd >= 0)
		free_children(&now);
	return known;
}

struct paths {
	char **each;
	size_t count;
};

static void note_unwatched(const void *node, VISIT which, void *arg)
{
	const struct watch *watch = *(struct watch *const *)node;
	struct paths *paths = arg;

	if ((which != postorder && which != leaf) || watch->wd >= 0)
		return;
	paths->each = bg_need(reallocarray(paths->each, paths->count + 1, sizeof(*paths->each)));
	paths->each[paths->count++] = bg_need(strdup(watch->path));
}

static void open_inotify(struct cgroup_watch *tree)
{
	tree->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	tree->why = errno;
}

static bool look(struct cgroup_watch *tree)
{
	double began = bg_clock_seconds(), took;
	struct paths paths = { 0 };
	bool known = true;

	if (tree->inotify < 0)
		open_inotify(tree);
	twalk_r(tree->paths, note_unwatched, &paths);
	for (size_t i = 0; i < paths.count; i++) {
		known &= look_at(tree, paths.each[i]);
		free(paths.each[i]);
	}
	free(paths.each);
	tell_whole(tree);
	took = bg_clock_seconds() - began;
	tree->look_due = began + took + (took * LOOK_TIMES > LOOK_S ? took * LOOK_TIMES : LOOK_S);
	return known;
}

/* ---- the whole ---- */

static void keep(void *watch)
{
	(void)watch;
}

static void forget_all(struct cgroup_watch *tree)
{
	tdestroy(tree->watches, keep);
	tdestroy(tree->paths, free_watch);
	tree->watches = tree->paths = NULL;
	stats.watches = stats.unwatched = 0;
}

struct cgroup_watch *cgroup_watch_open(const struct cgroup_watch_calls *calls, struct bg_error *error)
{
	struct cgroup_watch *tree = bg_need(calloc(1, sizeof(*tree)));

	tree->calls = *calls;
	if (bg_cgroup_mount(&tree->mount, error)) {
		free(tree);
		return NULL;
	}
	open_inotify(tree);
	return tree;
}

void cgroup_watch_close(struct cgroup_watch *tree)
{
	forget_all(tree);
	if (tree->inotify >= 0)
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
		if (pattern_match(prune->tree->patterns[i], watch->path) == ON_THE_WAY)
			return;
	prune->each = bg_need(reallocarray(prune->each, prune->count + 1, sizeof(*prune->each)));
	prune->each[prune->count++] = watch;
}

/* Takes away the watches that no pattern needs any more. */
static void prune_watches(struct cgroup_watch *tree)
{
	struct prune prune = { .tree = tree };

	twalk_r(tree->paths, find_needless, &prune);
	for (size_t i = 0; i < prune.count; i++)
		drop_watch(tree, prune.each[i]);
	free(prune.each);
}

bool cgroup_watch_walk(struct cgroup_watch *tree)
{
	/* After lost events nobody knows which watches are left. Only then: closing an inotify takes some 10 ms. */
	if (tree->overflowed) {
		close(tree->inotify);
		forget_all(tree);
		open_inotify(tree);
	}
	tree->overflowed = tree->missed = false;
	prune_watches(tree);
	visit(tree, "");
	tell_whole(tree);
	return !tree->missed;
}

int cgroup_watch_fd(const struct cgroup_watch *tree)
{
	return tree->inotify;
}

int cgroup_watch_timeout_ms(const struct cgroup_watch *tree)
{
	double left = tree->look_due - bg_clock_seconds();

	return !stats.unwatched ? -1 : left > 0 ? (int)(left * 1000) + 1 : 0;
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
	if (!child_path(watch->path, event->name, path))
		return true;
	if (event->mask & IN_CREATE) {
		visit(tree, path);
		return true;
	}
	vanish(tree, path);
	return true;
}

bool cgroup_watch_read(struct cgroup_watch *tree)
{
	bool missed_before = tree->missed, told = bg_inotify_read(tree->inotify, handle, tree);

	if (!cgroup_watch_timeout_ms(tree))
		told &= look(tree);
	return told && (missed_before || !tree->missed);
}
