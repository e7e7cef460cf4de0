/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PINS_INTERNAL_H
#define BINDGATE_PINS_INTERNAL_H

#include "base/error.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

/* Paths below the pin directory, and what is pinned there. */

#define PIN_PATH_MAX 512

/* A path below `dir`. Returns `path`. */
const char *bg_pin_path(char path[static PIN_PATH_MAX], const char *dir, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Calls `each` for every name in the directory but . and ..; stops at and returns the first result that is not 0.
 * An absent directory has no names. The directory may be changed meanwhile. */
int bg_pin_each(const char *dir, int (*each)(const char *name, void *arg), void *arg);

/* Is there something at the path? 1, 0 or a negative errno: whoever cannot look must not take it for absent. */
int bg_pin_exists(const char *path);

/* An fd of the program, map or link that is pinned at the path. -ENOENT: nothing of the kind is there. */
int bg_pin_open(const char *path);

/* Of a map of that shape; -ENOENT: what is there is none. */
int bg_pin_open_map(const char *path, enum bpf_map_type type, __u32 key_size, __u32 value_size);

/* Pins `fd` at the path, in the place of what was there: there is no moment without. */
int bg_pin_replace(int fd, const char *path);

/* Makes the directory where it is missing, and locks it for as long as the fd that is returned stays open: until its
 * process is gone, however that ends. -EWOULDBLOCK: another holds it. */
int bg_pin_lock(const char *path);

/* A cgroup's id from a name such as "123", "new-123" (prefix "new-"). false: the name is none. */
bool bg_pin_id(const char *name, const char *prefix, __u64 *id);

#endif
