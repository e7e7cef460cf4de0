/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_KEEPER_H
#define BINDGATED_KEEPER_H

#include "config/file.h"
#include "gate/gate.h"
#include "permanent/permanent.h"

#define DESIRED_OWNER BG_DAEMON_OWNER

/*
 * The gates that the daemon wants, each under the path of its cgroup, and what it does to have them. A gate of another
 * owner is left alone, and told, unless it may be adopted.
 */
struct desired;

enum desired_source {
	FROM_GATES,
	FROM_PODS,
	DESIRED_SOURCES
};

struct desired *desired_open(const char *pin_dir);
void desired_close(struct desired *desired);

/* Wants a gate there; made, replaced or found to be so already when this returns 0. The lock is taken at the first of
 * several calls and kept until desired_rest. */
int desired_want(struct desired *desired, enum desired_source source, const char *path,
		 const struct bg_policy *policy, bool adopt);

/* Wants it as before. false: it is not wanted yet, or could not be had. */
bool desired_want_still(struct desired *desired, enum desired_source source, const char *path);

/* Wants none there any more. */
void desired_unwant(struct desired *desired, const char *path);

/* A cgroup went from there: wants no gate any more. false: it stands there, the news are older than it. */
bool desired_vanished(struct desired *desired, const char *path);

/* Lets go of the lock. */
void desired_rest(struct desired *desired);

/* A full pass: begin, desired_want for all there is, end. What the source did not want again goes, but for what `keeps`,
 * which may be NULL, says. */
void desired_begin_pass(struct desired *desired, enum desired_source source);
void desired_end_pass(struct desired *desired, enum desired_source source,
		      bool (*keeps)(const char *path, void *arg), void *arg);

/* Ends gates that are the daemon's and that nobody wants, but for what `keeps`, which may be NULL, says. */
void desired_collect(struct desired *desired, bool (*keeps)(const char *path, void *arg), void *arg);

/* Ends all of the daemon's gates. */
void desired_detach_all(struct desired *desired);

/* Calls `each` for everything wanted: whether a gate is there, and why not. */
void desired_each(const struct desired *desired,
		  void (*each)(const char *path, enum desired_source source, const char *problem, void *arg),
		  void *arg);

#endif
