/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TESTS_PROGRAM_H
#define BINDGATE_TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A program's main(), called again and again in this process. From the first call on, the process may look at the
 * machine and change nothing of it, by a seccomp filter: no BPF, no file made, written or removed (but libFuzzer's
 * own), no program started, no process signalled.
 */
struct program {
	int (*main)(int argc, char **argv);
	int status;
	char *out, *err; /* what it wrote; no zero within */
};

/* `bytes` are its arguments, each ended by a zero, as /proc/PID/cmdline has them; behind an argument "<" stands what
 * it finds on standard input. */
void program_run(struct program *program, const char *name, const uint8_t *bytes, size_t size);
void program_forget(struct program *program);

bool program_has_argument(const char *argument); /* had the last run? */

/* How many lines; aborts where one is not printable UTF-8. */
unsigned int program_lines(const char *text);

#endif
