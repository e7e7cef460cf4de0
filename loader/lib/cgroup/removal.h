/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_REMOVAL_H
#define BINDGATE_REMOVAL_H

/* Ends a cgroup by its open directory (bg_cgroup_open): whatever has its path by now is left alone. One that is gone
 * already is no error. All return 0 or a negative errno. */

/* Kills every process in it and below it, at once (Linux 5.14). */
int bg_cgroup_kill(int dir);

/* Waits until no process is in it or below it; with 0 ms it only looks. -ETIMEDOUT: one still is. */
int bg_cgroup_await_empty(int dir, int timeout_ms);

/* Removes it with those below it, the deepest first. -EBUSY: a process is in one of them. */
int bg_cgroup_remove(int dir);

#endif
