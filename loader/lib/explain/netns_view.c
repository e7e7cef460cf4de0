// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a network namespace says of a bind: looked at by a child that enters it. */
#include "policy/address.h"
#include "explain/netns_view.h"
#include "explain/diag_internal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define USUAL_START 1024

static unsigned int read_start(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	unsigned int start = USUAL_START;

	if (file) {
		if (fscanf(file, "%u", &start) != 1)
			start = USUAL_START;
		fclose(file);
	}
	return start;
}

static socklen_t make_sockaddr(const struct bg_bind *bind, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	__u32 parts[4] = { htonl((__u32)(bind->addr.hi >> 32)), htonl((__u32)bind->addr.hi),
			   htonl((__u32)(bind->addr.lo >> 32)), htonl((__u32)bind->addr.lo) };

	memset(out, 0, sizeof(*out));
	if (bind->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = parts[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	memcpy(&v6->sin6_addr, parts, sizeof(parts));
	return sizeof(*v6);
}

/* Tries a bind to port 0 of the address: gates let that pass, and it takes no port from anybody. */
static int try_addr(const struct bg_bind *bind_wanted)
{
	struct sockaddr_storage addr;
	socklen_t length = make_sockaddr(bind_wanted, &addr);
	int fd = socket(addr.ss_family, bind_wanted->protocol == BG_UDP ? SOCK_DGRAM : SOCK_STREAM, 0), err = 0;

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, length))
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static bool is_any(const struct bg_addr *addr)
{
	return addr->hi == 0 && (addr->lo == 0 || addr->lo == 0xffff00000000);
}

/* Do two binds to one port collide, neither sharing it? `wide`: the held one is an IPv6 socket that takes IPv4 too. */
static bool collides(const struct bg_bind *bind, bool held_v6, const struct bg_addr *held, bool wide)
{
	bool v4 = bg_addr_is_ip4(&bind->addr), held_v4 = !held_v6 || bg_addr_is_ip4(held);

	if (!v4 && is_any(&bind->addr)) /* a socket on :: takes IPv4 too, unless the program says otherwise */
		return true;
	if (held_v6 && !held_v4 && is_any(held))
		return wide || !v4;
	if (v4 != held_v4)
		return false;
	return is_any(&bind->addr) || is_any(held) || (bind->addr.hi == held->hi && bind->addr.lo == held->lo);
}

struct look {
	const struct bg_bind *bind;
	struct bg_netns_view *out;
};

static void look_at(const struct inet_diag_msg *socket, size_t left, void *arg)
{
	const struct bg_bind *bind = ((const struct look *)arg)->bind;
	struct bg_netns_view *out = ((const struct look *)arg)->out;
	const struct rtattr *attr = (const struct rtattr *)(socket + 1);
	bool wide = socket->idiag_family == AF_INET6, v6 = wide;
	struct bg_addr held;

	if (ntohs(socket->id.idiag_sport) != bind->port ||
	    (socket->idiag_state != BG_DIAG_LISTENING &&
	     !(bind->protocol == BG_UDP && socket->idiag_state == BG_DIAG_NO_STATE)))
		return;
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == INET_DIAG_SKV6ONLY && *(const __u8 *)(attr + 1))
			wide = false;
	held = v6 ? bg_addr_from_ip6((const struct in6_addr *)socket->id.idiag_src)
		  : bg_addr_from_ip4((const struct in_addr *)socket->id.idiag_src);
	if (collides(bind, v6, &held, wide) && out->holders_count < BG_HOLDERS_MAX)
		out->holders[out->holders_count++] =
			(struct bg_holder){ .addr = held, .inode = socket->idiag_inode, .uid = socket->idiag_uid };
}

static void find_holders(const struct bg_bind *bind, struct bg_netns_view *out)
{
	struct look look = { .bind = bind, .out = out };

	bg_diag_each(AF_INET, bind->protocol, ~0U, look_at, &look);
	bg_diag_each(AF_INET6, bind->protocol, ~0U, look_at, &look);
}

/* Whose are the sockets? Each descriptor of each process is looked at. */
static void name_process(const char *pid, struct bg_netns_view *out)
{
	char path[300], target[64], comm[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t length;
		__u32 inode;

		length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		for (unsigned int i = 0; i < out->holders_count; i++) {
			FILE *file;

			if (out->holders[i].inode != inode || out->holders[i].pid)
				continue;
			out->holders[i].pid = atoi(pid);
			snprintf(comm, sizeof(comm), "/proc/%.16s/comm", pid);
			file = fopen(comm, "re");
			if (file && fgets(out->holders[i].name, sizeof(out->holders[i].name), file))
				out->holders[i].name[strcspn(out->holders[i].name, "\n")] = '\0';
			if (file)
				fclose(file);
		}
	}
	if (dir)
		closedir(dir);
}

static void name_holders(struct bg_netns_view *out)
{
	DIR *proc = out->holders_count ? opendir("/proc") : NULL;
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9')
			name_process(entry->d_name, out);
	if (proc)
		closedir(proc);
}

static bool is_own(int ns)
{
	struct stat own, other;

	return !stat("/proc/self/ns/net", &own) && !fstat(ns, &other) && own.st_ino == other.st_ino &&
	       own.st_dev == other.st_dev;
}

/* Exits with an errno where it may not look. */
static void look(const char *netns, const struct bg_bind *bind, int answer)
{
	struct bg_netns_view found = { 0 };
	int ns = open(netns, O_RDONLY | O_CLOEXEC);

	if ((ns < 0 || (!is_own(ns) && setns(ns, CLONE_NEWNET))) && geteuid() == 0)
		_exit(errno);
	found.unprivileged_from = read_start();
	found.addr_error = try_addr(bind);
	find_holders(bind, &found);
	_exit(write(answer, &found, sizeof(found)) == sizeof(found) ? 0 : EIO);
}

int bg_netns_view_read(pid_t pid, const struct bg_bind *bind, struct bg_netns_view *out, struct bg_error *error)
{
	struct bg_netns_view found;
	char netns[64];
	int ends[2], status = -1;
	ssize_t got;
	pid_t child;

	snprintf(netns, sizeof(netns), "/proc/%d/ns/net", pid);
	if (pipe2(ends, O_CLOEXEC))
		return bg_error(error, -errno, "cannot make a pipe: %s", strerror(errno));
	child = fork();
	if (child == 0)
		look(netns, bind, ends[1]);
	close(ends[1]);
	got = child < 0 ? -1 : read(ends[0], &found, sizeof(found));
	close(ends[0]);
	if (child > 0)
		waitpid(child, &status, 0);
	if (got != sizeof(found) || status) {
		int err = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EIO;

		return bg_error(error, -err, "cannot look into the network namespace of process %d: %s%s", pid,
				strerror(err),
				err == EPERM || err == EACCES
					? " (that takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: ask on the node itself)"
					: "");
	}
	name_holders(&found);
	*out = found;
	return 0;
}
