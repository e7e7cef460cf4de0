/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_STORE_H
#define BINDGATE_STORE_H

#include "base/error.h"

#include <bindgate/event.h>
#include <bindgate/program.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The pin directory, locked. There is no other state:
 *
 *	core/       programs bind4 and bind6, maps portmaps, counts and its chunks chunk0, chunk1 …, rings, watching, program
 *	gates/ID/   links bind4 and bind6 of the gate on the cgroup with that id
 *	watchers/N/ an empty directory, locked by whoever reads ring N
 *	watchers/bindgated/ another one, locked by the daemon
 *	runs/ID/    an empty directory, locked by the command that the gate on cgroup ID was made for
 *
 * A directory named new-… or old-… is being made or taken away; where nobody holds the lock it is what a killed
 * process left, and the next command finishes or removes it.
 */
struct bg_store {
	char dir[256];
	int dir_fd; /* holds the lock */
	bool writable;
	int portmaps; /* fds of the pinned maps and programs; -1: not loaded */
	int counts;   /* of its chunks, those that were looked at are in chunks */
	int rings;
	int watching;
	int bind4;
	int bind6;
	int chunks[BG_CHUNKS];
	void (*before_close)(struct bg_store *store); /* what is left to be done; NULL: nothing */
	bool has_program;                             /* the core is there */
	struct bg_program program;                    /* what it says of itself */
};

/* Mounts the bpf file system at /sys/fs/bpf where none is. */
int bg_store_mount(struct bg_error *error);

enum bg_store_access {
	BG_STORE_READ, /* shared lock; an absent directory reads as an empty one */
	BG_STORE_EDIT, /* exclusive lock; an absent directory reads as an empty one too */
	BG_STORE_KEEP, /* as BG_STORE_WRITE, but gates whose cgroup is gone stay: for who collects them one by one */
	BG_STORE_WRITE, /* exclusive lock; makes the directory, and mounts bpffs where it is missing */
};

/* $BINDGATE_PIN_DIR, or /sys/fs/bpf/bindgate. */
const char *bg_store_default_dir(void);

/* Opens and locks, waiting for others. What killed commands left stays: bg_sweep_open, in sweep.h, is what commands call. -EPERM: not root; -EINVAL: not on
 * a bpf file system. To be closed also by a process that is about to end: closing is what releases the lock. */
int bg_store_open(const char *dir, enum bg_store_access access, struct bg_store *out, struct bg_error *error);
void bg_store_close(struct bg_store *store);

/* How long this process waits for a lock; a minute unless said otherwise. After a wait in vain it does not wait at all for
 * that long: who has others waiting is not late twice. */
void bg_store_set_patience(unsigned int ms);

/* Removes programs, maps and the directory itself; -EBUSY while there are gates or watchers. */
int bg_store_remove(struct bg_store *store, struct bg_error *error);

#endif
