// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/cri_frame.h"

Cri__Sandboxes *cri_unpack(const void *bytes, size_t size)
{
	const unsigned char *frame = bytes;
	size_t length;

	if (size < CRI_FRAME_HEAD || frame[0] != 0)
		return NULL;
	length = (size_t)frame[1] << 24 | (size_t)frame[2] << 16 | (size_t)frame[3] << 8 | frame[4];
	if (length != size - CRI_FRAME_HEAD)
		return NULL;
	return cri__sandboxes__unpack(NULL, length, frame + CRI_FRAME_HEAD);
}
