/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_AUDIT_H
#define BINDGATED_AUDIT_H

#include "config/file.h"

/* The log of decisions: JSON lines to stdout, journald or a file; so many a second, and how many were dropped. */
struct audit;

/* NULL: nothing is to be logged, or it cannot be, which is said. */
struct audit *audit_open(const char *pin_dir, const struct bg_declared_daemon *settings);
void audit_close(struct audit *audit);

int audit_fd(const struct audit *audit); /* readable: call audit_read */
void audit_read(struct audit *audit);

/* Once a second: tells what was lost and dropped. */
void audit_tick(struct audit *audit);

/* Opens the file anew, after it was moved away. */
void audit_reopen(struct audit *audit);

#endif
