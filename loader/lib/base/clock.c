// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/clock.h"

#include <bindgate/portmap.h>
#include <stdint.h>

static __u64 ns_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

__u64 bg_clock_boot_ns(void)
{
	return ns_of(CLOCK_BOOTTIME);
}

struct timespec bg_clock_wall(__u64 boot_ns)
{
	__s64 ns = (__s64)(boot_ns + (ns_of(CLOCK_REALTIME) - ns_of(CLOCK_BOOTTIME)));

	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

__u32 bg_clock_ticks(void)
{
	return (__u32)(bg_clock_boot_ns() >> BG_TICK_SHIFT);
}

__u32 bg_clock_ticks_in(__u32 seconds)
{
	__u64 ticks = ((bg_clock_boot_ns() + (__u64)seconds * 1000000000) >> BG_TICK_SHIFT) + 1;

	return ticks < UINT32_MAX ? (__u32)ticks : UINT32_MAX;
}

double bg_clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int bg_clock_ms_until(double seconds)
{
	double now = bg_clock_seconds();

	if (seconds <= 0)
		return -1;
	return seconds <= now ? 0 : (int)((seconds - now) * 1000) + 1;
}
