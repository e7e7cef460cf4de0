/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_TREE_H
#define BINDGATED_TREE_H

#include "base/error.h"

#include <stdbool.h>

/*
 * The cgroup tree, watched as far as the patterns lead: only directories in which something that matches could appear.
 * Paths are below the cgroup2 mount: "/app".
 */
struct tree;

struct tree_calls {
	void (*appeared)(const char *path, unsigned int pattern,
			 void *arg);                   /* or was there; the first that matches */
	void (*vanished)(const char *path, void *arg); /* any directory in a watched one */
	void *arg;
};

struct tree *tree_open(const struct tree_calls *calls, struct bg_error *error);
void tree_close(struct tree *tree);

/* Takes other patterns: paths, globs, unit:NAME; the strings must stay. */
void tree_set_patterns(struct tree *tree, const char *const *patterns, unsigned int count);

/* Goes through everything anew, and tells of all that matches. false: a part could not be looked at or watched; nothing
 * may be concluded then from what was not told of. */
bool tree_walk(struct tree *tree);

int tree_fd(const struct tree *tree); /* readable: call tree_read; another one after each walk */

/* Tells what happened. false: too much did, or a part of it could not be looked at: tree_walk is needed. */
bool tree_read(struct tree *tree);

unsigned int tree_watches(const struct tree *tree);

/* Does the path match the pattern? */
bool tree_matches(const char *pattern, const char *path);

#endif
