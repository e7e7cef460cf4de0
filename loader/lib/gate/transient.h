/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TRANSIENT_H
#define BINDGATE_TRANSIENT_H

#include "gate/gate.h"
#include "gate/place.h"

/*
 * A gate on a cgroup of its own, for as long as one process lives. That process holds the lock of runs/ID in the pin
 * directory; once nobody does, the next command kills what is left in the cgroup and takes both away.
 */
struct bg_transient {
	struct bg_cgroup cgroup;
	int dir; /* the cgroup's, where it is its own; what enters it goes through here. -1: it is borrowed */
	int lock;
};

/* Makes the cgroup at the place and gates it. The store is open for writing. */
int bg_transient_begin(struct bg_store *store, const struct bg_place *place, const struct bg_policy *policy,
		       struct bg_transient *out, struct bg_error *error);

/* The same on a cgroup that is not its own: it is left as it is when the process is gone. -EEXIST: a gate is there. */
int bg_transient_borrow(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_policy *policy,
			struct bg_transient *out, struct bg_error *error);

/* Ends the gate; where the cgroup is its own, kills what is left in it first, and removes it. The store below `pin_dir`
 * is locked only for the gate's own end. -ETIMEDOUT: a process does not die; it keeps its gate. What could not be
 * done is left to a later command. */
int bg_transient_end(const char *pin_dir, struct bg_transient *transient, struct bg_error *error);

#endif
