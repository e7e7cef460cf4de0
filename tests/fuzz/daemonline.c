// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A command line of bindgated of any words, as commandline.c has bindgate's. */
#include "fuzz.h"
#include "program.h"

int bindgated_main(int argc, char **argv);

#define main bindgated_main
#include "../../loader/node/main.c" /* NOLINT(bugprone-suspicious-include): its main, by another name */
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program run_of = { .main = bindgated_main };
	unsigned int errors;

	program_run(&run_of, "bindgated", data, size);
	errors = program_lines(run_of.err);
	HOLDS(run_of.status >= 0 && run_of.status <= 2);
	HOLDS(run_of.status ? errors == 1 && !*run_of.out : errors == 0 && program_lines(run_of.out) > 0);
	HOLDS(!errors || !strncmp(run_of.err, "bindgated: ", 11));
	program_forget(&run_of);
	return 0;
}
