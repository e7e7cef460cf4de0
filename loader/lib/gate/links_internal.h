/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_LINKS_INTERNAL_H
#define BINDGATE_LINKS_INTERNAL_H

#include "cgroup/cgroup.h"

/* The two links of a gate, in bind4, bind6 order. */
#define BG_HOOKS 2
extern const char *const bg_hook_names[BG_HOOKS];

/* Attaches and pins below `dir` whichever link is missing there or is no longer attached to the cgroup.
 * Returns how many, or a negative errno; then it has undone what it did. */
int bg_links_make(const char *dir, const struct bg_cgroup *cgroup, const int programs[BG_HOOKS],
		  struct bg_error *error);

/* Are both there, pinned and attached to cgroup `id`? 1, 0 or a negative errno. */
int bg_links_whole(const char *dir, __u64 id);

/* Makes them run the programs; a missing one is left missing. */
int bg_links_update(const char *dir, const int programs[BG_HOOKS], struct bg_error *error);

/* Detaches both at once, takes the pins away and the directory. What is missing already is no error.
 * -ENOTEMPTY: something is in there that bindgate did not make; the links are detached all the same. */
int bg_links_remove(const char *dir, struct bg_error *error);

#endif
