/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_CLOCK_H
#define BINDGATE_CLOCK_H

#include <linux/types.h>
#include <time.h>

/* Boot time, which goes on through suspend: in ns, and in the ticks that deadlines are kept in (BG_TICK_SHIFT). */
__u64 bg_clock_boot_ns(void);
__u32 bg_clock_ticks(void);

/* The first tick at which that many seconds from now have surely passed. */
__u32 bg_clock_ticks_in(__u32 seconds);

/* When a boot time in ns is or was, by the wall clock as it goes now. */
struct timespec bg_clock_wall(__u64 boot_ns);

/* Seconds of the monotonic clock, for delays. */
double bg_clock_seconds(void);

/* The ms until then, for poll(2): 0 where it is past; -1 for 0, which stands for never. */
int bg_clock_ms_until(double seconds);

#endif
