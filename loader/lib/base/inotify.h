/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_INOTIFY_H
#define BINDGATE_INOTIFY_H

#include <stdbool.h>
#include <sys/inotify.h>

/* Calls `each` for every event that is there now on a non-blocking inotify descriptor, until one says false. Returns what
 * the last said; true where there was none. */
bool bg_inotify_read(int fd, bool (*each)(const struct inotify_event *event, void *arg), void *arg);

#endif
