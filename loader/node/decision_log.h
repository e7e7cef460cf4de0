/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_AUDIT_H
#define BINDGATED_AUDIT_H

#include "config/file.h"
#include "node/workloads.h"

/* The log of decisions: JSON lines to stdout, journald or a file; so many a second, and how many were dropped. */
struct decision_log;

/* workloads: who know the names of pods. NULL: nothing is to be logged, or it cannot be, which is said. */
struct decision_log *decision_log_open(const char *pin_dir, const struct bg_declared_daemon *settings,
				       const struct workloads *workloads);
void decision_log_close(struct decision_log *log);

int decision_log_fd(const struct decision_log *log); /* readable: call decision_log_read */
void decision_log_read(struct decision_log *log);

/* Once a second: tells what was lost and dropped. */
void decision_log_tick(struct decision_log *log);

/* Opens the file anew, after it was moved away. */
void decision_log_reopen(struct decision_log *log);

#endif
