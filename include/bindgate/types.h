/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_TYPES_H
#define BINDGATE_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#define static_assert _Static_assert
#ifndef NULL
#define NULL ((void *)0)
#endif
#define offsetof(type, member) __builtin_offsetof(type, member)
#else
#include <assert.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#endif

#endif
