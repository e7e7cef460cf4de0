/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PERMANENT_INTERNAL_H
#define BINDGATE_PERMANENT_INTERNAL_H

#include <limits.h>
#include <stdbool.h>

/* The drop-in of a service by its permanent name. false: the name is not that of a service. */
bool bg_permanent_dropin(const char *name, char file[static PATH_MAX]);

#endif
