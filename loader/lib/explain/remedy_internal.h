/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_REMEDY_INTERNAL_H
#define BINDGATE_REMEDY_INTERNAL_H

#include "explain/explain.h"

#include <stdio.h>

/* Writes the commands that would grant a bind which is refused with EACCES; nothing where none would. Where systemd runs,
 * what they do lasts. */
int bg_find_remedy(struct bg_store *store, const struct bg_explanation *out, FILE *remedy, struct bg_error *error);

#endif
