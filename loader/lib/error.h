/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_ERROR_H
#define BINDGATE_ERROR_H

/* What went wrong, in one line for a person: what, where, and what to do. */
struct bg_error {
	char text[1024];
};

/* Writes the line and returns `code`, a negative errno: `return bg_error(error, -EINVAL, "…")`. error may be NULL. */
int bg_error(struct bg_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
