/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROGRAM_FILE_H
#define BINDGATE_PROGRAM_FILE_H

#include "base/error.h"

#include <limits.h>

/* The file of this program, for root to run at each start of a service. -EPERM: somebody else may change it. */
int bg_program_file(char path[static PATH_MAX], struct bg_error *error);

#endif
