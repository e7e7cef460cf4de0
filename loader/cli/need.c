// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

void *need(void *memory)
{
	if (memory)
		return memory;
	fputs("bindgate: out of memory\n", stderr);
	exit(FAILED);
}
