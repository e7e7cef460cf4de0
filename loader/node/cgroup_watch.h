/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_TREE_H
#define BINDGATED_TREE_H

#include "base/error.h"

#include <stdbool.h>

/*
 * The cgroup tree, watched as far as the patterns lead: only directories in which something that matches could appear.
 * Paths are below the cgroup2 mount: "/app".
 */
struct cgroup_watch;

struct cgroup_watch_calls {
	void (*appeared)(const char *path, unsigned int pattern,
			 void *arg); /* or was there; the first that matches */
	void (*vanished)(const char *path,
			 void *arg); /* any directory in a watched one; another may bear its name by now */
	void *arg;
};

struct cgroup_watch *cgroup_watch_open(const struct cgroup_watch_calls *calls, struct bg_error *error);
void cgroup_watch_close(struct cgroup_watch *tree);

/* Takes other patterns: paths, globs, unit:NAME; the strings must stay. */
void cgroup_watch_set_patterns(struct cgroup_watch *tree, const char *const *patterns, unsigned int count);

/* Goes through everything anew, and tells of all that matches. What cannot be watched is looked at again and again. false:
 * a part could not be looked at; nothing may be concluded then from what was not told of. */
bool cgroup_watch_walk(struct cgroup_watch *tree);

/* Readable: call cgroup_watch_read. -1: there is none now; another one after each walk and read. */
int cgroup_watch_fd(const struct cgroup_watch *tree);

/* Call cgroup_watch_read by then also when nothing is readable; -1: no need. */
int cgroup_watch_timeout_ms(const struct cgroup_watch *tree);

/* Tells what happened. false: too much did, or a part of it could not be looked at: cgroup_watch_walk is needed. */
bool cgroup_watch_read(struct cgroup_watch *tree);

#endif
