// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
static int run_complete(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)cli;
	return DONE;
}

const struct command cmd_complete = {
	.name = "complete",
	.run = run_complete,
};
