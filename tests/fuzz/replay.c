// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Gives each file of a folder to the fuzz target that it is linked with, in a process of its own: one that crashes or
 * hangs is named, and the others are still tried. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds for one */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns how it ended, as waitpid(2) has it. */
static int try(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(data, 1, sizeof(data), file) : 0;
	int status = -1;
	pid_t child;

	if (!file)
		return -1;
	fclose(file);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(PATIENCE);
		LLVMFuzzerTestOneInput(data, size);
		_exit(0);
	}
	return child < 0 || waitpid(child, &status, 0) < 0 ? -1 : status;
}

int main(int argc, char **argv)
{
	struct dirent **seeds = NULL;
	int count = argc > 1 ? scandir(argv[1], &seeds, is_seed, alphasort) : -1, failed = 0;

	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		char path[4096];
		int status;

		snprintf(path, sizeof(path), "%s/%s", argv[1], seeds[i]->d_name);
		status = try(path);
		failed += status != 0;
		printf("%s %d - %s%s%s\n", status ? "not ok" : "ok", i + 1, path, status ? ": " : "",
		       !status                             ? ""
		       : status > 0 && WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
							   : "it ended early");
		free(seeds[i]);
	}
	free(seeds);
	return count < 1 || failed;
}
