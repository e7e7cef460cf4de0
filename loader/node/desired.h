/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_KEEPER_H
#define BINDGATED_KEEPER_H

#include "config/file.h"
#include "gate/gate.h"

#define KEEPER_OWNER "bindgated"

/*
 * The gates that the daemon wants, each under the path of its cgroup, and what it does to have them. A gate of another
 * owner is left alone, and told, unless it may be adopted.
 */
struct keeper;

enum keeper_source {
	FROM_GATES,
	FROM_PODS,
	KEEPER_SOURCES
};

struct keeper *keeper_open(const char *pin_dir);
void keeper_close(struct keeper *keeper);

/* Wants a gate there; made, replaced or found to be so already when this returns 0. The lock is taken at the first of
 * several calls and kept until keeper_rest. */
int keeper_want(struct keeper *keeper, enum keeper_source source, const char *path, const struct bg_policy *policy,
		bool adopt);

/* Wants it as before. false: it is not wanted yet, or could not be had. */
bool keeper_want_still(struct keeper *keeper, enum keeper_source source, const char *path);

/* Wants none there any more: because the cgroup is gone, or nobody asks for it. */
void keeper_unwant(struct keeper *keeper, const char *path);

/* Lets go of the lock. */
void keeper_rest(struct keeper *keeper);

/* A full pass: begin, keeper_want for all there is, end. What the source did not want again goes, but for what `keeps`,
 * which may be NULL, says. */
void keeper_begin_pass(struct keeper *keeper, enum keeper_source source);
void keeper_end_pass(struct keeper *keeper, enum keeper_source source, bool (*keeps)(const char *path, void *arg),
		     void *arg);

/* Ends gates that are the daemon's and that nobody wants: after the first passes of all sources. */
void keeper_collect(struct keeper *keeper);

/* Ends all of the daemon's gates. */
void keeper_detach_all(struct keeper *keeper);

/* Calls `each` for everything wanted: whether a gate is there, and why not. */
void keeper_each(const struct keeper *keeper,
		 void (*each)(const char *path, enum keeper_source source, const char *problem, void *arg),
		 void *arg);

#endif
