// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define URING_OP_BIND 56 /* 6.11 */

/* ---- in the worker ---- */

/* One bind through a ring of one entry. EINVAL: this kernel's io_uring has no bind. */
static int uring_bind(int fd, const struct call *call)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(__NR_io_uring_setup, 1, &params);
	char *sq, *cq;
	struct io_uring_sqe *sqe;
	int result = -EINVAL;

	if (ring < 0)
		return errno;
	sq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	cq = params.features & IORING_FEAT_SINGLE_MMAP ? sq : MAP_FAILED;
	sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (sq != MAP_FAILED && cq != MAP_FAILED && sqe != MAP_FAILED) {
		memset(sqe, 0, sizeof(*sqe));
		sqe->opcode = URING_OP_BIND;
		sqe->fd = fd;
		sqe->addr = (__u64)(uintptr_t)&call->addr;
		sqe->off = call->length;
		*(unsigned int *)(sq + params.sq_off.array) = 0;
		__atomic_store_n((unsigned int *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
		if (syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1)
			result = ((struct io_uring_cqe *)(cq + params.cq_off.cqes))->res;
	}
	close(ring); /* the mappings hold no more than a page or two, and go with the worker */
	if (sq != MAP_FAILED)
		munmap(sq, 4096);
	if (sqe != MAP_FAILED)
		munmap(sqe, 4096);
	return -result;
}

static int open_socket(const struct call *call)
{
	const int yes = 1, v6only = !!(call->flags & CALL_V6ONLY);
	int fd = socket(call->family, call->type | SOCK_CLOEXEC, call->protocol);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (call->flags & CALL_REUSEPORT)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	if (call->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	return fd;
}

static struct reply bind_socket(int fd, const struct call *call)
{
	struct reply reply = { 0 };
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} now = { .any.sa_family = AF_UNSPEC };
	socklen_t length = sizeof(now);

	if (call->flags & CALL_URING)
		reply.error = uring_bind(fd, call);
	else if (bind(fd, &call->addr.any, call->length))
		reply.error = errno;
	if (!reply.error && (call->flags & CALL_LISTEN) && listen(fd, 1))
		reply.error = errno;
	if (reply.error || getsockname(fd, &now.any, &length)) {
		reply.error = reply.error ? reply.error : errno;
		return reply;
	}
	reply.port = ntohs(now.v4.sin_port);
	if (now.any.sa_family == AF_INET6)
		reply.addr = now.v6.sin6_addr;
	else
		memcpy(&reply.addr, &now.v4.sin_addr, 4);
	return reply;
}

/* Sends a message, with an fd unless that is -1. */
static int send_message(int to, void *data, size_t size, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec part = { .iov_base = data, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
							     .cmsg_type = SCM_RIGHTS,
							     .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

/* *fd is -1 where none came. */
static int receive_message(int from, void *data, size_t size, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = { .iov_base = data, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	*fd = -1;
	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != (ssize_t)size)
		return -1;
	if (CMSG_FIRSTHDR(&message))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
	return 0;
}

static void work(int commands)
{
	struct call call;
	int kept = -1, sent;

	while (!receive_message(commands, &call, sizeof(call), &sent)) {
		struct reply reply = { 0 };
		int fd;

		if (sent >= 0) {
			close(kept);
			kept = sent;
		}
		fd = call.flags & CALL_OLD_SOCKET ? kept : open_socket(&call);
		if (fd < 0)
			reply.error = call.flags & CALL_OLD_SOCKET ? EBADF : errno;
		else if (!(call.flags & CALL_NO_BIND))
			reply = bind_socket(fd, &call);
		if ((call.flags & CALL_GIVE) && send_message(commands, &reply, sizeof(reply), fd))
			break;
		/* closed before the answer: whoever waits for it may look for the port at once */
		if (fd != kept) {
			close(call.flags & CALL_KEEP ? kept : fd);
			kept = call.flags & CALL_KEEP ? fd : kept;
		} else if (!(call.flags & CALL_KEEP)) {
			close(kept);
			kept = -1;
		}
		if (!(call.flags & CALL_GIVE) && send_message(commands, &reply, sizeof(reply), -1))
			break;
	}
	_exit(0);
}

static int drop_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return (int)syscall(__NR_capset, &header, none);
}

static int become(uid_t uid, gid_t gid, unsigned int flags, int netns)
{
	if ((flags & IN_FIRST_NETNS) && setns(netns, CLONE_NEWNET))
		return -1;
	if ((flags & IN_NEW_NETNS) && unshare(CLONE_NEWNET))
		return -1;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -1;
	if (!(flags & WITH_CAPS) && drop_caps())
		return -1;
	if ((flags & NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	if ((flags & IN_USER_NAMESPACE) && unshare(CLONE_NEWUSER))
		return -1;
	/* Last: a change of user clears it. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* ---- in the test ---- */

/* Root in a user namespace is whom uid 0 there stands for. */
static bool map_root(pid_t pid, uid_t uid)
{
	char path[64];
	int fd, written;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd < 0 ? -1 : dprintf(fd, "0 %u 1", uid);
	close(fd);
	return written > 0;
}

bool start_worker(struct worker *worker, const struct bg_cgroup *cgroup, uid_t uid, gid_t gid, unsigned int flags)
{
	int pair[2], fd;
	pid_t parent = getpid();
	char ready = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		give_up("socketpair: %s", strerror(errno));
	worker->pid = fork();
	if (worker->pid < 0)
		give_up("fork: %s", strerror(errno));
	if (worker->pid == 0) {
		close(pair[0]);
		close_store();
		if (become(uid, gid, flags, first_netns) || getppid() != parent ||
		    send_message(pair[1], &ready, 1, -1))
			_exit(1);
		work(pair[1]);
	}
	close(pair[1]);
	worker->fd = pair[0];
	enter_cgroup(cgroup, worker->pid);
	if (!receive_message(worker->fd, &ready, 1, &fd) &&
	    (!(flags & IN_USER_NAMESPACE) || map_root(worker->pid, uid)))
		return true;
	stop_worker(worker);
	return false;
}

void stop_worker(struct worker *worker)
{
	close(worker->fd);
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
}

struct reply call(struct worker *worker, const struct call *call, int send_fd, int *got_fd)
{
	struct call copy = *call;
	struct reply reply;
	int fd;

	if (send_message(worker->fd, &copy, sizeof(copy), send_fd) ||
	    receive_message(worker->fd, &reply, sizeof(reply), &fd))
		give_up("worker %d is gone", worker->pid);
	if (got_fd)
		*got_fd = fd;
	else if (fd >= 0)
		close(fd);
	return reply;
}

/* ---- calls from words ---- */

static const struct {
	const char *name;
	int type, protocol;
} protocols[] = {
	{ "tcp", SOCK_STREAM, IPPROTO_TCP },        { "udp", SOCK_DGRAM, IPPROTO_UDP },
	{ "udplite", SOCK_DGRAM, IPPROTO_UDPLITE }, { "mptcp", SOCK_STREAM, IPPROTO_MPTCP },
	{ "sctp", SOCK_STREAM, IPPROTO_SCTP },
};

static const struct {
	const char *name;
	unsigned int flag;
} flag_words[] = {
	{ "v6only", CALL_V6ONLY },  { "reuseport", CALL_REUSEPORT }, { "uring", CALL_URING },
	{ "old", CALL_OLD_SOCKET }, { "keep", CALL_KEEP },           { "nobind", CALL_NO_BIND },
	{ "listen", CALL_LISTEN },  { "give", CALL_GIVE },
};

struct call make_call(const char *words, const char *addr, unsigned int port)
{
	size_t length = strcspn(words, "46");
	struct call call = { .type = -1, .family = words[length] == '4' ? AF_INET : AF_INET6 };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strlen(protocols[i].name) != length || strncmp(protocols[i].name, words, length))
			continue;
		call.type = protocols[i].type;
		call.protocol = protocols[i].protocol;
	}
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(*flag_words); i++)
		if (strstr(words + length + 1, flag_words[i].name))
			call.flags |= flag_words[i].flag;

	call.length = call.family == AF_INET ? sizeof(call.addr.v4) : sizeof(call.addr.v6);
	call.addr.any.sa_family = (sa_family_t)(strstr(words, "unspec") ? AF_UNSPEC : call.family);
	call.addr.v4.sin_port = htons((uint16_t)port);
	if (call.type < 0 || inet_pton(call.family, addr,
				       call.family == AF_INET ? (void *)&call.addr.v4.sin_addr
							      : (void *)&call.addr.v6.sin6_addr) != 1)
		give_up("no such bind: %s %s", words, addr);
	return call;
}

struct reply bind_by(struct worker *worker, const char *words, const char *addr, unsigned int port)
{
	struct call one = make_call(words, addr, port);

	return call(worker, &one, -1, NULL);
}

void expect_refused(struct worker *worker, const char *words, const char *addr, unsigned int port, int error)
{
	struct reply reply = bind_by(worker, words, addr, port);

	EXPECT(reply.error == error, "%s bind to %s port %u: %s, expected %s", words, addr, port,
	       reply.error ? strerror(reply.error) : "done", strerror(error));
}

void expect_bound(struct worker *worker, const char *words, const char *addr, unsigned int port, const char *given,
		  unsigned int actual_port)
{
	struct call one = make_call(words, addr, port);
	struct reply reply = call(worker, &one, -1, NULL);
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(one.family, &reply.addr, text, sizeof(text));
	if (reply.error)
		fail("%s bind to %s port %u: %s, expected to be done", words, addr, port, strerror(reply.error));
	else if (strcmp(text, given) || reply.port != actual_port)
		fail("%s bind to %s port %u: became %s port %u, expected %s port %u", words, addr, port, text,
		     reply.port, given, actual_port);
}
