/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_LOG_TARGET_H
#define BINDGATED_LOG_TARGET_H

/* Where the lines of the decision log go: "stdout", "journald", or a file in a folder that only root may write. Nothing
 * here waits, and what cannot be opened or written to is told once, and opened anew when the next line comes. */
struct log_target;

struct log_target *log_target_open(const char *to); /* never NULL */
void log_target_close(struct log_target *target);

/* Writes a line, which has no end of its own, whole or not at all as far as the target allows. `verdict`: for journald; ""
 * for none. 0 or a negative errno, of which was told. */
int log_target_write(struct log_target *target, const char *line, const char *verdict);

/* Opens a file anew, after it was moved away. */
void log_target_reopen(struct log_target *target);

#endif
