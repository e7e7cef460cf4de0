// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/refusal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of the socket, where its process still has it; 0: it is not to be had. */
static int protocol_of(const struct bg_refusal *refusal)
{
	int process = (int)syscall(SYS_pidfd_open, refusal->pid, 0), socket, protocol = 0;
	socklen_t size = sizeof(protocol);

	if (process < 0)
		return 0;
	socket = (int)syscall(SYS_pidfd_getfd, process, refusal->fd, 0); /* 5.6 */
	close(process);
	if (socket < 0)
		return 0;
	if (getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size))
		protocol = 0;
	close(socket);
	return protocol;
}

static struct bg_bind bind_of(const struct bg_refusal *refusal)
{
	int protocol = refusal->protocol ? refusal->protocol : protocol_of(refusal);

	return (struct bg_bind){
		.family = refusal->family,
		.protocol = protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ? BG_UDP : BG_TCP,
		.addr = refusal->addr,
		.port = refusal->port,
	};
}

/* Is it the process that was refused, and not one that got its pid later? */
static bool still_lives(const struct bg_refusal *refusal)
{
	struct bg_process process;

	return refusal->pid && !bg_process_read((pid_t)refusal->pid, &process, NULL) && process.uid == refusal->uid;
}

static __u64 cgroup_of(const struct bg_refusal *refusal)
{
	return refusal->socket_cgroup ? refusal->socket_cgroup : refusal->task_cgroup;
}

void bg_refusal_describe(const struct bg_refusal *refusal, struct bg_refusal_why *out)
{
	__u64 id = cgroup_of(refusal);

	*out = (struct bg_refusal_why){
		.cause = refusal->error == EADDRINUSE ? BG_REFUSED_HELD : BG_REFUSED_ELSEWHERE,
		.bind = bind_of(refusal),
	};
	if (!bg_cgroup_from_id(id, &out->cgroup, NULL))
		return;
	out->cgroup = (struct bg_cgroup){ .id = id };
	snprintf(out->cgroup.name, sizeof(out->cgroup.name), "id:%llu", id);
}

int bg_refusal_explain(struct bg_store *store, const struct bg_refusal *refusal, struct bg_refusal_why *out,
		       struct bg_error *error)
{
	struct bg_process gone = { .uid = refusal->uid, .gid = refusal->gid, .euid = refusal->uid };
	int err = -ESRCH;

	if (!*out->cgroup.path)
		return bg_error(error, -ESTALE, "the cgroup %s is gone", out->cgroup.name);
	/* a socket that was passed on has the gates of another cgroup than its process */
	if (cgroup_of(refusal) == refusal->task_cgroup && still_lives(refusal))
		err = bg_explain(store, (pid_t)refusal->pid, NULL, &out->bind, &out->why, error);
	if (err) /* most of those that are refused end at once */
		err = bg_explain_gone(store, &gone, &out->cgroup, &out->bind, &out->why, error);
	if (err || refusal->error == EADDRINUSE)
		return err;
	if (out->why.denied)
		out->cause = BG_REFUSED_GATE;
	else if (out->why.error == EACCES)
		out->cause = BG_REFUSED_PRIVILEGE;
	return 0;
}
