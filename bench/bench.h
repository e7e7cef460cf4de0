/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_BENCH_H
#define BINDGATE_BENCH_H

#include "base/error.h"

#include <limits.h>
#include <linux/types.h>
#include <stddef.h>

/* What every bench needs: a cgroup subtree and a pin directory of its own, gone when it ends, also by a signal. */

extern char bench_cgroup[256]; /* absolute path */
extern char bench_pins[64];
extern struct bg_error bench_error;

void bench_begin(void);
void bench_end(void);
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the bench with bench_error's text (or errno's) where the result is negative. */
void bench_check(int result);

/* Zeroed; ends the bench where there is none. */
void *bench_room(size_t count, size_t size) __attribute__((returns_nonnull));

void bench_mkdir(const char *path);
void bench_enter(const char *cgroup); /* moves this process there */
int bench_loopback_up(void);          /* in this network namespace; 0 or a negative errno */
__u64 bench_ns(void);                 /* monotonic time */

/* On a terminal, a line that says how far it is. */
void bench_progress(const char *what, int done, int all);

#endif
