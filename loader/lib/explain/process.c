// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A namespace's fd. -1: it may not be looked at, or this kernel has no such namespaces. Any other failure goes into *err,
 * unless one is there already. */
static int open_ns(pid_t pid, const char *name, int *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != EACCES && errno != EPERM && errno != ENOENT && !*err)
		*err = -errno;
	return fd;
}

static bool same(int a, int b)
{
	struct stat sa, sb;

	return a >= 0 && b >= 0 && !fstat(a, &sa) && !fstat(b, &sb) && sa.st_ino == sb.st_ino &&
	       sa.st_dev == sb.st_dev;
}

/*
 * The machine's first network namespace is that of kernel threads, of which kthreadd is PID 2 wherever it can be seen;
 * from a container PID 1's own is the best there is. One that may not be looked at leaves bindgate's own.
 */
static int open_first_netns(int *err)
{
	char name[16] = "";
	FILE *comm = fopen("/proc/2/comm", "re");
	int first = -1;

	if (comm && fgets(name, sizeof(name), comm) && !strcmp(name, "kthreadd\n"))
		first = open_ns(2, "net", err);
	if (comm)
		fclose(comm);
	if (first < 0)
		first = open_ns(1, "net", err);
	return first >= 0 ? first : open_ns(getpid(), "net", err);
}

/* Does a capability that is effective in user namespace `own` count in `target`? As the kernel's
 * cap_capable has it (security/commoncap.c): in its own and in those below, and all of them below one that it made. */
static bool counts_in(int own, bool effective, uid_t euid, int target)
{
	int ns = dup(target);
	bool counts = false;

	while (ns >= 0) {
		int parent;
		uid_t owner;

		if (same(ns, own)) {
			counts = effective;
			break;
		}
		parent = ioctl(ns, NS_GET_PARENT);
		if (parent >= 0 && same(parent, own) && !ioctl(ns, NS_GET_OWNER_UID, &owner) && owner == euid)
			counts = true;
		close(ns);
		ns = parent;
		if (counts)
			break;
	}
	if (ns >= 0)
		close(ns);
	return counts;
}

/* `parent` may be NULL. */
static int read_status(struct bg_process *process, pid_t *parent, bool *effective)
{
	unsigned long long caps = 0;
	char path[64], line[256];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/status", process->pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Name:\t", 6))
			snprintf(process->name, sizeof(process->name), "%.*s", (int)strcspn(line + 6, "\n"),
				 line + 6);
		sscanf(line, "Uid: %u %u", &process->uid, &process->euid);
		sscanf(line, "Gid: %u", &process->gid);
		sscanf(line, "CapEff: %llx", &caps);
		if (parent)
			sscanf(line, "PPid: %d", parent);
	}
	err = ferror(file) ? -errno : 0; /* ESRCH where it ended meanwhile */
	fclose(file);
	*effective = caps & 1ULL << CAP_NET_BIND_SERVICE;
	return err;
}

pid_t bg_process_caller(void)
{
	struct bg_process process = { .pid = getpid() };
	pid_t parent = 0;
	bool effective;

	while (process.pid > 0 && !read_status(&process, &parent, &effective)) {
		if (process.uid)
			return process.pid;
		process.pid = parent;
	}
	return getpid();
}

int bg_process_read(pid_t pid, struct bg_process *out, struct bg_error *error)
{
	struct bg_process process = { .pid = pid };
	int user, net, first, owner, err = 0;
	bool effective = false;

	err = read_status(&process, NULL, &effective);
	if (err == -ESRCH)
		return bg_error(error, err, "there is no process %d", pid);
	if (err)
		return bg_error(error, err, "cannot read /proc/%d/status: %s", pid, strerror(-err));
	user = open_ns(pid, "user", &err);
	net = open_ns(pid, "net", &err);
	first = open_first_netns(&err);
	owner = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);
	process.hidden = (user < 0 || net < 0) && geteuid() != 0;
	if (process.hidden)
		process.may_bind_low = effective;
	else if (owner >= 0) /* NOLINTNEXTLINE(readability-suspicious-call-argument): owner is the one to look for */
		process.may_bind_low = counts_in(user, effective, process.euid, owner);
	process.in_user_ns = effective && !process.may_bind_low;
	process.foreign_netns = !process.hidden && !same(net, first);
	for (int i = 0; i < 4; i++) {
		int fd = (const int[]){ user, net, first, owner }[i];

		if (fd >= 0)
			close(fd);
	}
	if (err)
		return bg_error(error, err, "cannot look at the namespaces of process %d: %s", pid, strerror(-err));
	*out = process;
	return 0;
}
