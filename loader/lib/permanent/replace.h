/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_REPLACE_H
#define BINDGATE_REPLACE_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* A file changed as a whole: written aside, synced, renamed; and how to have it back as it was. Zeroed: no change. */
struct bg_replaced {
	char path[PATH_MAX]; /* absolute; empty: nothing was changed */
	char *before;        /* NULL: there was no file */
	bool made_folder;
};

/* Makes `text` the file's content, and its folder where that is missing; NULL takes the file away, and a
 * drop-in's folder where that is empty then. On failure nothing is changed. */
int bg_replace(const char *path, const char *text, struct bg_replaced *undo, struct bg_error *error);

/* As it was before, as far as that can be done. */
void bg_replace_undo(struct bg_replaced *undo);

/* It stays so. */
void bg_replace_keep(struct bg_replaced *undo);

/* A file's text, to be freed. -ENOENT; -EFBIG: more than 4 MiB. */
int bg_read_file(const char *path, char **text, struct bg_error *error);

#endif
