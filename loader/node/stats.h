/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_STATS_H
#define BINDGATED_STATS_H

#include <linux/types.h>

/* What the daemon counts of its own work. */
enum error_reason {
	ERROR_ATTACH,
	ERROR_DETACH,
	ERROR_STORE,
	ERROR_CONFIG,
	ERROR_LOG,
	ERROR_CRI,
	ERROR_NRI,
	ERROR_REASONS,
};

#define RECONCILE_BUCKETS 9

struct stats {
	__u64 errors[ERROR_REASONS];
	__u64 reconciles;
	double reconcile_seconds;
	__u64 reconcile_buckets[RECONCILE_BUCKETS];
	__u64 reloads, reloads_failed;
	int config_valid;
	__u64 events_lost, log_lines, log_dropped;
	__u64 pods_granted, pods_refused; /* decisions since the start */
	unsigned int gates_wanted, conflicts, pods_now, pods_refused_now;
	unsigned int watches, unwatched; /* directories of the cgroup tree */
};

extern struct stats stats;
extern const double reconcile_limits[RECONCILE_BUCKETS];
extern const char *const error_reasons[ERROR_REASONS];

__u64 stats_failures(void); /* to have gates as wanted, so far; conflicts are none */
void stats_reconciled(double seconds);

#endif
