/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_WATCH_H
#define BINDGATE_WATCH_H

#include "base/error.h"
#include "gate/store.h"

#include <bindgate/event.h>

/* Called for each event. A negative result ends bg_watch_wait, which returns it. */
typedef int (*bg_watch_fn)(const struct bg_event *event, void *arg);

/* Somebody who is told every decision of every gate: one of BG_WATCHERS_MAX slots, with a ring buffer of its own. */
struct bg_watcher {
	int slot;
	int lock;  /* the slot's directory, locked: the lock goes with the process, however it ends */
	int rings; /* the programs' table of ring buffers */
	int ring_fd;
	struct ring_buffer *ring;
	struct bg_watching *shared;
	__u64 lost; /* as told last */
	bg_watch_fn each;
	void *arg;
	unsigned int handled; /* in this turn */
	double turn_ends;
	char dir[256];
};

/* Takes a slot, loading the programs where they are missing; *watcher must stay where it is until bg_watch_end. The store
 * is open for writing, and may be closed as soon as this returns. -EBUSY: all slots are taken. */
int bg_watch_begin(struct bg_watcher *watcher, struct bg_store *store, bg_watch_fn each, void *arg,
		   struct bg_error *error);

/* Hands out what is there, for some 2 ms at most, waiting up to `milliseconds` (-1: for ever) for the first. Returns the
 * number of events, what `each` returned, or a negative errno; -EINTR: a signal came. */
int bg_watch_wait(struct bg_watcher *watcher, int milliseconds);

/* For poll(2): readable when there are events. */
int bg_watch_fd(const struct bg_watcher *watcher);

/* Events that found the ring full, since it was asked last. */
__u64 bg_watch_lost(struct bg_watcher *watcher);

void bg_watch_end(struct bg_watcher *watcher);

#endif
