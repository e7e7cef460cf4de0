// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/sockets.h"

#include "explain/diag_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct search {
	__u64 *cgroups; /* ids */
	size_t count;
	pid_t pid; /* a process in one of them; 0: none */
	unsigned int local_first, local_last;
	__u8 protocol; /* that is being asked for */
	struct bg_seen found;
};

static pid_t first_process(const char *path)
{
	char procs[PATH_MAX + 16];
	FILE *file;
	int pid = 0;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	file = fopen(procs, "re");
	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid;
}

static int find_cgroups(const struct bg_cgroup *cgroup, struct search *search)
{
	char *const roots[] = { (char *)cgroup->path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int err = tree ? 0 : -errno;

	while (!err && (entry = fts_read(tree))) {
		__u64 *more;

		if (entry->fts_info != FTS_D)
			continue;
		more = reallocarray(search->cgroups, search->count + 1, sizeof(*more));
		if (!more) {
			err = -ENOMEM;
			break;
		}
		search->cgroups = more;
		search->cgroups[search->count++] = entry->fts_statp->st_ino;
		if (!search->pid)
			search->pid = first_process(entry->fts_path);
	}
	if (tree)
		fts_close(tree);
	return err;
}

static bool is_ours(const struct search *search, __u64 cgroup)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->cgroups[i] == cgroup)
			return true;
	return false;
}

static void look_at(const struct inet_diag_msg *socket, size_t left, void *arg)
{
	struct search *search = arg;
	const __u8 protocol = search->protocol;
	const struct rtattr *attr = (const struct rtattr *)(socket + 1);
	__u16 port = ntohs(socket->id.idiag_sport);
	__u64 cgroup = 0;

	if (socket->idiag_state != (protocol == BG_UDP ? BG_DIAG_NO_STATE : BG_DIAG_LISTENING) ||
	    (port >= search->local_first && port <= search->local_last))
		return;
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == INET_DIAG_CGROUP_ID)
			memcpy(&cgroup, RTA_DATA(attr), sizeof(cgroup));
	if (cgroup && is_ours(search, cgroup))
		bg_seen_add(&search->found, protocol, port);
}

static void read_local_ports(struct search *search)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (file && fscanf(file, "%u %u", &search->local_first, &search->local_last) != 2)
		search->local_first = search->local_last = 0;
	if (file)
		fclose(file);
}

/* In a child: it enters the network namespace. */
static void look(struct search *search, int answer)
{
	static const __u8 families[] = { AF_INET, AF_INET6 };
	const __u32 states = 1U << BG_DIAG_LISTENING | 1U << BG_DIAG_NO_STATE;
	char netns[64];
	int ns;

	snprintf(netns, sizeof(netns), "/proc/%d/ns/net", search->pid);
	ns = open(netns, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		_exit(1);
	read_local_ports(search);
	for (size_t i = 0; i < sizeof(families); i++)
		for (search->protocol = 0; search->protocol < BG_PROTOCOLS; search->protocol++)
			if (bg_diag_each(families[i], search->protocol, states, look_at, search))
				_exit(1);
	_exit(write(answer, &search->found, sizeof(search->found)) != sizeof(search->found));
}

/* What a pipe holds of it at once is all of it: 16 KiB. */
static int look_in_child(struct search *search)
{
	int ends[2], status = -1;
	ssize_t got;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child == 0)
		look(search, ends[1]);
	close(ends[1]);
	if (child > 0)
		waitpid(child, &status, 0);
	got = status ? -1 : read(ends[0], &search->found, sizeof(search->found));
	close(ends[0]);
	return got == sizeof(search->found) ? 0 : -EIO;
}

int bg_sockets_seen(const struct bg_cgroup *cgroup, struct bg_seen *seen, struct bg_error *error)
{
	struct search search = { .cgroups = NULL };
	int err = find_cgroups(cgroup, &search), added = 0;

	if (!err && search.pid)
		err = look_in_child(&search);
	free(search.cgroups);
	if (err == -EIO) /* the process has gone, most likely */
		return 0;
	if (err)
		return bg_error(error, err, "cannot look for the sockets of %.512s: %s", cgroup->name,
				strerror(-err));
	for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++)
		for (size_t i = 0; i < sizeof(seen->ports[protocol]); i++) {
			__u8 more = search.found.ports[protocol][i] & (__u8)~seen->ports[protocol][i];

			added += __builtin_popcount(more);
			seen->ports[protocol][i] |= more;
		}
	return added;
}
