/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SYSTEMCTL_H
#define BINDGATE_SYSTEMCTL_H

#include "base/error.h"

#include <stdbool.h>

/* systemd is asked through its own client: D-Bus would be one more library, and one more way to be refused. */

/* Is systemd what runs this machine, or container? */
bool bg_systemd_runs(void);

/* Runs systemctl with these words, the last of them NULL: no shell, an environment of its own, nothing on stdin.
 * *out (may be NULL): what it printed, to be freed. -ENOENT: there is no systemctl; -EIO: it failed, and the error is
 * what it said. */
int bg_systemctl(const char *const *words, char **out, struct bg_error *error);

#endif
