// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/say.h"

#include <stdlib.h>

void *need(void *memory)
{
	if (memory)
		return memory;
	say(LOG_ERR, "out of memory");
	exit(1);
}
