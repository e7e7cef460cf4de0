// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cgroup/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is named means that of these mounts. */
static bool takes_files(const struct command *command)
{
	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++)
		if (argument->words == CLI_FILE)
			return true;
	for (const struct cli_option *option = command->options; option && option->name; option++)
		if (option->words == CLI_FILE)
			return true;
	return false;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[256];
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "PPid: %d", &parent);
	if (file)
		fclose(file);
	return parent;
}

/* False: it is in the same, or its mounts have no cgroup v2 either. */
static bool enter_mounts_of(const struct cli *cli, pid_t pid)
{
	char path[64];
	struct stat own, theirs;
	const char *mount;
	bool entered;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	entered = !fstat(cli->own_mounts, &own) && !fstat(fd, &theirs) && own.st_ino != theirs.st_ino &&
		  !setns(fd, CLONE_NEWNS);
	close(fd);
	if (!entered)
		return false;
	if (!fchdir(cli->own_dir) && !bg_cgroup_mount(&mount, NULL))
		return true;
	cli_leave_mounts(cli, NULL);
	return false;
}

void cli_find_mounts(struct cli *cli)
{
	const char *mount;

	if (takes_files(cli->command) || bg_cgroup_mount(&mount, NULL) != -ENOENT)
		return;
	cli->own_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	cli->own_dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (pid_t pid = getppid(); cli->own_mounts >= 0 && pid > 0; pid = parent_of(pid))
		if (enter_mounts_of(cli, pid))
			return;
	if (cli->own_mounts >= 0)
		close(cli->own_mounts);
	if (cli->own_dir >= 0)
		close(cli->own_dir);
	cli->own_mounts = -1;
}

int cli_leave_mounts(const struct cli *cli, struct bg_error *error)
{
	if (cli->own_mounts < 0)
		return 0;
	if (setns(cli->own_mounts, CLONE_NEWNS) || fchdir(cli->own_dir))
		return bg_error(error, -errno, "cannot go back to the mounts that the command was called with: %s",
				strerror(errno));
	return 0;
}
