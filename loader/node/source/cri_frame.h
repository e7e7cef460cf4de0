/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_CRI_FRAME_H
#define BINDGATED_CRI_FRAME_H

#include "cri.pb-c.h"

#include <stddef.h>

#define CRI_FRAME_HEAD 5 /* bytes before a gRPC message: whether it is compressed, its length in 4 bytes */

/* The answer of ListPodSandbox. NULL: it is none. To be freed with cri__sandboxes__free_unpacked. */
Cri__Sandboxes *cri_unpack(const void *bytes, size_t size);

#endif
