// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Binds that the kernel refuses, gated or not, as they are told to whoever watches. */
#include "gate/refused.h"
#include "harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define NOBODY 65534
#define PATIENCE_MS 60000

struct seen {
	__u32 pid;
	struct bg_refusal refusals[8];
	unsigned int count;
};

/* The machine is not ours alone: what others are refused is not counted. */
static int keep(const struct bg_refusal *refusal, void *arg)
{
	struct seen *seen = arg;

	if (refusal->pid == seen->pid && seen->count < sizeof(seen->refusals) / sizeof(*seen->refusals))
		seen->refusals[seen->count++] = *refusal;
	return 0;
}

static void read_until(struct bg_refused *refused, const struct seen *seen, unsigned int count)
{
	struct pollfd poller = { .fd = bg_refused_fd(refused), .events = POLLIN };

	while (seen->count < count && poll(&poller, 1, PATIENCE_MS) > 0)
		if (bg_refused_read(refused))
			return;
}

static const struct {
	const char *words, *addr;
	unsigned int port;
	int error;
	__u16 protocol;
} binds[] = {
	{ "tcp4", "127.0.0.1", 81, EACCES, IPPROTO_TCP },       /* privileged */
	{ "udp6", "::1", 82, EACCES, IPPROTO_UDP },             /* likewise */
	{ "tcp4", "127.0.0.1", 8080, EACCES, IPPROTO_TCP },     /* denied by the gate */
	{ "tcp4", "127.0.0.1", 3000, EADDRINUSE, IPPROTO_TCP }, /* held by the other worker */
};

static void check(const struct bg_refusal *got, size_t i, const struct bg_cgroup *cgroup)
{
	bool v4 = binds[i].words[3] == '4';
	__u64 low = v4 ? 0xffff7f000001 : 1;

	EXPECT(got->port == binds[i].port &&
		       got->error == (got->port == 8080 && got->error == EPERM ? EPERM : binds[i].error),
	       "port %u with errno %u, expected %u with %d", got->port, got->error, binds[i].port, binds[i].error);
	EXPECT(got->family == (v4 ? 4 : 6) && got->addr.hi == 0 && got->addr.lo == low, "the address of port %u",
	       got->port);
	EXPECT(got->uid == NOBODY && got->gid == NOBODY, "uid %u, gid %u", got->uid, got->gid);
	EXPECT(got->task_cgroup == cgroup->id, "the thread's cgroup is told as %llu", got->task_cgroup);
	EXPECT(!got->socket_cgroup || got->socket_cgroup == cgroup->id, "the socket's cgroup is told as %llu",
	       got->socket_cgroup);
	EXPECT(!got->protocol || got->protocol == binds[i].protocol, "the protocol is told as %u", got->protocol);
}

static void refusals_are_told(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct worker worker, holder;
	struct bg_refused *refused;
	struct seen seen = { 0 };
	struct bg_error error;

	start_worker(&holder, &cgroup, 0, 0, WITH_CAPS);
	start_worker(&worker, &cgroup, NOBODY, NOBODY, 0);
	gate(&cgroup, (struct options){ 0 }, "80", "deny:8080", NULL);
	seen.pid = (__u32)worker.pid;
	if (bg_refused_open(&refused, keep, &seen, &error))
		give_up("%s", error.text);
	note("by %s", bg_refused_is_costly(refused) ? "tracepoints" : "fexit");
	bind_by(&holder, "tcp4 keep listen", "127.0.0.1", 3000);
	bind_by(&worker, "tcp4", "127.0.0.1", 80);   /* granted: not told */
	bind_by(&worker, "tcp4", "127.0.0.1", 9000); /* not privileged: not told */
	for (size_t i = 0; i < sizeof(binds) / sizeof(*binds); i++)
		bind_by(&worker, binds[i].words, binds[i].addr, binds[i].port);
	read_until(refused, &seen, 4);
	EXPECT(seen.count == 4 && bg_refused_lost(refused) == 0, "%u refusals of 4", seen.count);
	for (unsigned int i = 0; i < 4 && seen.count == 4; i++)
		check(&seen.refusals[i], i, &cgroup);
	bg_refused_close(refused);
	ungate(&cgroup);
	stop_worker(&worker);
	stop_worker(&holder);
}

/* For kernels that show refused binds by tracepoints alone. It goes with this process's own mount namespace. */
static void mount_tracefs(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		give_up("cannot have a mount namespace: %s", strerror(errno));
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

int main(void)
{
	static const struct test tests[] = {
		{ "refused binds are told, on gated cgroups and others", refusals_are_told },
	};

	mount_tracefs();
	return RUN_TESTS(tests);
}
