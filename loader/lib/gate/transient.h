/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TRANSIENT_H
#define BINDGATE_TRANSIENT_H

#include "gate/gate.h"

/*
 * A gate on a cgroup of its own, for as long as one process lives. That process holds the lock of runs/ID in the pin
 * directory; once nobody does, the next command kills what is left in the cgroup and takes both away.
 */
struct bg_transient {
	struct bg_cgroup cgroup;
	int lock;
	bool borrowed;
};

/* Makes the cgroup below the caller's own and gates it. The store is open for writing. */
int bg_transient_begin(struct bg_store *store, const struct bg_policy *policy, struct bg_transient *out,
		       struct bg_error *error);

/* The same on a cgroup that is not its own: it is left as it is when the process is gone. -EEXIST: a gate is there. */
int bg_transient_borrow(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_policy *policy,
			struct bg_transient *out, struct bg_error *error);

/* Ends the gate; where the cgroup is its own, kills what is left in it and removes it. The store is open for writing. */
int bg_transient_end(struct bg_store *store, struct bg_transient *transient, struct bg_error *error);

#endif
