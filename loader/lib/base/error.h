/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_ERROR_H
#define BINDGATE_ERROR_H

/* What went wrong, in one line for a person: what, where, and what to do. */
struct bg_error {
	char text[1024];
};

/* Writes the line and returns `code`, a negative errno: `return bg_error(error, -EINVAL, "…")`. error may be NULL.
 * A macro, so that whoever reads the code, compilers and analysers too, sees what comes back. */
#define bg_error(error, code, ...)                                        \
	({                                                                \
		const int bg_error_code __attribute__((unused)) = (code); \
		bg_error_write((error), __VA_ARGS__);                     \
		bg_error_code;                                            \
	})

void bg_error_write(struct bg_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
