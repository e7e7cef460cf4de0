// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Gives each file of a folder to the fuzz target that it is linked with. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	struct dirent *entry;
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	unsigned int count = 0;
	char path[4096];

	while (dir && (entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		file = *entry->d_name == '.' ? NULL : fopen(path, "re");
		if (!file)
			continue;
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
		fclose(file);
		count++;
	}
	if (dir)
		closedir(dir);
	printf("1..1\n%s 1 - %u inputs of %s\n", count ? "ok" : "not ok", count, argc > 1 ? argv[1] : "?");
	return !count;
}
