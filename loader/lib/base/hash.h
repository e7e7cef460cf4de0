/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_HASH_H
#define BINDGATE_HASH_H

#include <linux/types.h>
#include <stddef.h>

/* FNV-1a: tells one content from another where nobody means harm. Begins with BG_HASH_START, goes on with its own result. */
#define BG_HASH_START 0xcbf29ce484222325ULL
__u64 bg_hash(__u64 hash, const void *bytes, size_t size);

#endif
