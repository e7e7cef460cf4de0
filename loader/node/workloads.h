/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_WORKLOADS_H
#define BINDGATED_WORKLOADS_H

#include "config/merge.h"
#include "node/desired.h"
#include "node/engine.h"

#include <jansson.h>
#include <poll.h>

/*
 * The workloads of this node: the sources that tell of them, when each is asked, and what comes of the answers. Sources
 * are asked when something says that they may have changed: cgroups that come and go, or what an engine tells by itself.
 */
struct workloads;

/* `updated` is called after each attempt to have their gates as granted. */
struct workloads *workloads_open(struct desired *desired, void (*updated)(void *arg), void *arg);
void workloads_close(struct workloads *workloads);

/* Takes up another configuration, which must stay until the next: sources whose settings changed are opened anew. */
void workloads_configure(struct workloads *workloads, const struct bg_config *config);

/* The patterns of their cgroups and of what is within those. Good until the next workloads_configure. */
char *const *workloads_patterns(const struct workloads *workloads, unsigned int *count);

/* A cgroup came that matches the pattern of that number; any cgroup went. */
void workloads_appeared(struct workloads *workloads, const char *path, unsigned int pattern);
void workloads_vanished(struct workloads *workloads, const char *path);

/* Has their gates be as granted. ask: has every source ask its engine for news besides. */
void workloads_update(struct workloads *workloads);
void workloads_ask(struct workloads *workloads);
bool workloads_failed(const struct workloads *workloads); /* could a gate not be had, the last time? */

/* Ends the daemon's gates that nobody wants; not of pods, while an engine has yet to tell which it runs. */
void workloads_collect(struct workloads *workloads);

/* See pods_name. */
const char *workloads_name(const struct workloads *workloads, const char *path);

/* For poll(2). polls: returns how many of them; timeout: -1 for ever. */
unsigned int workloads_polls(struct workloads *workloads, struct pollfd *polls, unsigned int room);
int workloads_timeout_ms(struct workloads *workloads);
void workloads_run(struct workloads *workloads);

/* The engine that should be heard and is not, since when and why, in words to be freed; NULL: there is none. */
char *workloads_missed(const struct workloads *workloads);

/* Calls `each` for every engine that there is or was. */
void workloads_each_engine(const struct workloads *workloads, void (*each)(const struct engine *engine, void *arg),
			   void *arg);

/* New references. See pods_refused_json, and engine_json for a list of those. */
json_t *workloads_refused_json(const struct workloads *workloads);
json_t *workloads_engines_json(const struct workloads *workloads);

#endif
