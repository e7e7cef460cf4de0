/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CHANGE_H
#define BINDGATE_CHANGE_H

#include "permanent/permanent.h"
#include "permanent/replace.h"

#define BG_PERMANENT_NOTES 3

/* A change that is under way: between begin and end nobody else changes any. */
struct bg_permanent_change {
	int lock; /* an fd */
	struct bg_replaced files[2];
	bool told;                           /* systemd has been told of it */
	char notes[BG_PERMANENT_NOTES][320]; /* what a person should know, empty ones at the end */
};

int bg_permanent_begin(struct bg_permanent_change *change, struct bg_error *error);

/* Declares it and tells systemd; all or nothing. `out` is as it was written. -EINVAL: a rule has an end (for=).
 * pin_dir: of the gate, NULL for the usual. */
int bg_permanent_set(struct bg_permanent_change *change, const char *name, const struct bg_policy *policy,
		     const char *pin_dir, struct bg_permanent *out, struct bg_error *error);

/* Takes it away. -ENOENT: there is none. */
int bg_permanent_unset(struct bg_permanent_change *change, const char *name, struct bg_error *error);

/* undo: what was changed since begin is as it was. */
void bg_permanent_end(struct bg_permanent_change *change, bool undo);

#endif
