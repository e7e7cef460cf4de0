/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_MERGE_H
#define BINDGATE_MERGE_H

#include "config/file.h"

#define BG_CONFIG_FILES_MAX 256

/* What the files declare together; checked whole. */
struct bg_config {
	struct bg_declaration *files[BG_CONFIG_FILES_MAX];
	unsigned int files_count;
	struct bg_declared_gate **gates; /* of all files, in the order of their names */
	unsigned int gates_count;
	struct bg_declared_pod **pods;
	unsigned int pods_count;
	bool has_file;                    /* FILE itself is among them */
	unsigned int serial;              /* another one at each reading */
	struct bg_declared_daemon daemon; /* what is not declared is NULL */
};

/* Reads FILE and, beside it, the *.yaml of the folder that is named as it but with .d instead of .yaml. A missing FILE
 * is no error where it is not `needed` and that folder is there. What is not sound as a whole is an error; then *out is NULL. To be freed with
 * bg_config_free. */
int bg_config_read(const char *file, bool needed, struct bg_config **out, struct bg_error *error);
void bg_config_free(struct bg_config *config);

/* The folder beside FILE. */
const char *bg_config_folder(const char *file, char folder[static 4096]);

#endif
