// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/hash.h"

__u64 bg_hash(__u64 hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const __u8 *)bytes)[i]) * 0x100000001b3ULL;
	return hash;
}
