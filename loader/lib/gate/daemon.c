// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/daemon.h"

#include "gate/pins_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* 0: not to be told from here (another pid namespace). */
static int holder_of(const char *path)
{
	unsigned long long inode;
	struct stat locked;
	char line[256];
	int pid, found = 0;
	FILE *locks = stat(path, &locked) ? NULL : fopen("/proc/locks", "re");

	while (locks && !found && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%llu", &pid, &inode) == 2 && inode == locked.st_ino)
			found = pid;
	if (locks)
		fclose(locks);
	return found > 0 ? found : 0;
}

int bg_daemon_lock(const struct bg_store *store, struct bg_error *error)
{
	char path[PIN_PATH_MAX], who[32] = "";
	int fd = bg_pin_lock(bg_pin_path(path, store->dir, "watchers/bindgated")), pid;

	if (fd >= 0)
		return fd;
	if (fd != -EWOULDBLOCK)
		return bg_error(error, fd, "cannot lock %s: %s", path, strerror(-fd));
	pid = holder_of(path);
	if (pid)
		snprintf(who, sizeof(who), ", process %d,", pid);
	return bg_error(error, fd,
			"another bindgated%s keeps the gates of %s: end it first, or choose another --pin-dir", who,
			store->dir);
}
