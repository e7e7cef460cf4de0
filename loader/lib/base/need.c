// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/need.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *bg_need(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
	exit(1);
}
