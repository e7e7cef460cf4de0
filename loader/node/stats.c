// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/stats.h"

struct stats stats;
const double reconcile_limits[RECONCILE_BUCKETS] = { 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5 };
const char *const error_reasons[ERROR_REASONS] = { "attach", "detach", "store", "config", "log", "cri", "nri" };

__u64 stats_failures(void)
{
	return stats.errors[ERROR_ATTACH] + stats.errors[ERROR_DETACH] + stats.errors[ERROR_STORE];
}

void stats_reconciled(double seconds)
{
	stats.reconciles++;
	stats.reconcile_seconds += seconds;
	for (int i = 0; i < RECONCILE_BUCKETS; i++)
		stats.reconcile_buckets[i] += seconds <= reconcile_limits[i];
}
