// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A command line of any words: an exit status that means something, and what went wrong in one line. */
#include "fuzz.h"
#include "program.h"

#include <jansson.h>

int bindgate_main(int argc, char **argv);

#define main bindgate_main
#include "../../loader/cli/main.c" /* NOLINT(bugprone-suspicious-include): its main, by another name */
#undef main

/* What a command leaves to the end of its process is no leak. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the sanitizer's name */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static json_t *read_json(const char *text)
{
	return *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* One line on stderr or one object on stdout. A name each may fail, and then it is a line each; `explain` fails by
 * what it finds out; the hook fails by its words alone. */
static bool is_told_once(const struct program *run, unsigned int errors)
{
	json_t *answer = read_json(run->out), *error = json_object_get(answer, "error");
	bool told;

	if (json_is_object(error))
		told = errors == 0 && json_string_length(json_object_get(error, "message")) &&
		       json_integer_value(json_object_get(error, "code")) == run->status;
	else if (errors)
		told = errors == 1 || program_has_argument("detach");
	else if (json_is_object(answer))
		told = json_object_get(answer, "succeeds") || json_array_size(json_object_get(answer, "errors")) ||
		       json_is_false(json_object_get(answer, "usable"));
	else
		told = run->status == FAILED && strstr(run->out, "It would be refused: ");
	json_decref(answer);
	return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program run = { .main = bindgate_main };
	unsigned int errors;
	json_t *answer;

	program_run(&run, "bindgate", data, size);
	HOLDS(run.status >= DONE && run.status <= CANNOT);
	errors = program_lines(run.err);
	program_lines(run.out);
	HOLDS(!errors || !strncmp(run.err, "bindgate", 8));
	if (run.status == DONE) {
		HOLDS(!errors || program_has_argument("oci-hook"));
		answer = read_json(run.out);
		HOLDS(*run.out != '{' || answer);
		HOLDS(!json_object_get(answer, "error") || json_is_null(json_object_get(answer, "error")));
		json_decref(answer);
	} else {
		HOLDS(is_told_once(&run, errors));
	}
	program_forget(&run);
	return 0;
}
