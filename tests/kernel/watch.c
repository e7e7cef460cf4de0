// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Decisions as the kernel tells them, with all that bg_probe says it can tell. */
#include "gate/probe.h"
#include "gate/watch.h"
#include "harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NOBODY 65534

struct seen {
	struct bg_event events[8];
	unsigned int count;
};

static int keep(const struct bg_event *event, void *arg)
{
	struct seen *seen = arg;

	if (seen->count < sizeof(seen->events) / sizeof(*seen->events))
		seen->events[seen->count] = *event;
	seen->count++;
	return 0;
}

/* The programs tell the pid of the first pid namespace: is that this one? */
static bool in_first_pidns(void)
{
	struct stat own;

	return !stat("/proc/self/ns/pid", &own) && own.st_ino == 0xeffffffc;
}

static void read_comm(pid_t pid, char comm[BG_COMM_MAX + 1])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(comm, BG_COMM_MAX + 1, file))
		give_up("cannot read %s", path);
	comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
}

static void expect_process(const struct bg_event *event, const struct worker *worker)
{
	char comm[BG_COMM_MAX + 1] = "";
	struct bg_features features;
	struct bg_error error;

	if (bg_probe(&features, &error))
		give_up("%s", error.text);
	if (features.comm)
		read_comm(worker->pid, comm);
	EXPECT(!strcmp(event->comm, comm), "the process is told as %s, but is %s", event->comm, comm);
	if (!features.pid)
		EXPECT(event->pid == 0, "pid %u, which this kernel cannot know", event->pid);
	else if (in_first_pidns())
		EXPECT(event->pid == (__u32)worker->pid, "pid %u, but it is %d", event->pid, worker->pid);
	EXPECT(event->uid == NOBODY && event->gid == NOBODY, "uid %u, gid %u", event->uid, event->gid);
}

static void every_verdict_is_told(void)
{
	static const struct {
		const char *words;
		unsigned int requested, actual;
		enum bg_verdict verdict;
		__u16 protocol;
	} binds[] = {
		{ "tcp4", 80, 80, BG_ALLOW, IPPROTO_TCP },
		{ "udp6", 8080, 8080, BG_DENY, IPPROTO_UDP },
		{ "tcp6", 3000, 81, BG_REWRITE, IPPROTO_TCP },
		{ "udp4", 9000, 9000, BG_PASS, IPPROTO_UDP },
	};
	struct bg_cgroup cgroup = new_cgroup("a");
	struct bg_watcher watcher;
	struct seen seen = { 0 };
	struct bg_error error;
	struct worker worker;

	start_worker(&worker, &cgroup, NOBODY, NOBODY, 0);
	gate(&cgroup, (struct options){ 0 }, "80", "deny:8080", "3000=81", NULL);
	if (bg_watch_begin(&watcher, &store, keep, &seen, &error))
		give_up("watch: %s", error.text);
	close_store();
	for (size_t i = 0; i < sizeof(binds) / sizeof(*binds); i++)
		bind_by(&worker, binds[i].words, binds[i].words[3] == '4' ? "127.0.0.1" : "::1", binds[i].requested);
	while (seen.count < 4 && bg_watch_wait(&watcher, 5000) > 0)
		;
	EXPECT(seen.count == 4 && bg_watch_lost(&watcher) == 0, "%u events of 4", seen.count);
	for (unsigned int i = 0; i < 4 && seen.count == 4; i++) {
		const struct bg_event *event = &seen.events[i];

		EXPECT(event->cgroup == cgroup.id && event->protocol == binds[i].protocol &&
			       event->family == binds[i].words[3] - '0' && event->verdict == binds[i].verdict &&
			       event->requested_port == binds[i].requested && event->actual_port == binds[i].actual,
		       "%s to port %u is told as verdict %u, port %u to %u, protocol %u", binds[i].words,
		       binds[i].requested, event->verdict, event->requested_port, event->actual_port,
		       event->protocol);
		expect_process(event, &worker);
	}
	bg_watch_end(&watcher);
	open_store();
	ungate(&cgroup);
	stop_worker(&worker);
}

struct flood {
	struct worker *worker;
	unsigned int count;
};

#define FLOOD_MOST 20000

/* As many binds as are read: the ring is never empty. */
static int bind_again(const struct bg_event *event, void *arg)
{
	struct flood *flood = arg;

	(void)event;
	bind_by(flood->worker, "udp4", "127.0.0.1", 80);
	return ++flood->count < FLOOD_MOST ? 0 : -E2BIG;
}

static void a_flood_lets_go(void)
{
	struct bg_cgroup cgroup = new_cgroup("a");
	struct bg_watcher watcher;
	struct bg_error error;
	struct worker worker;
	struct flood flood = { .worker = &worker };

	start_worker(&worker, &cgroup, NOBODY, NOBODY, 0);
	gate(&cgroup, (struct options){ 0 }, "80", NULL);
	if (bg_watch_begin(&watcher, &store, bind_again, &flood, &error))
		give_up("watch: %s", error.text);
	close_store();
	bind_by(&worker, "udp4", "127.0.0.1", 80);
	for (unsigned int turn = 1; turn <= 3; turn++) {
		unsigned int before = flood.count;
		int handled = bg_watch_wait(&watcher, 5000);

		EXPECT(handled > 0 && (unsigned int)handled == flood.count - before,
		       "turn %u: %d, but %u events were handed out", turn, handled, flood.count - before);
	}
	EXPECT(flood.count < FLOOD_MOST && bg_watch_lost(&watcher) == 0, "a turn ends only with the flood");
	bg_watch_end(&watcher);
	open_store();
	ungate(&cgroup);
	stop_worker(&worker);
}

int main(void)
{
	static const struct test tests[] = {
		{ "every verdict is told to a watcher, with its process", every_verdict_is_told },
		{ "who reads is let go while the flood goes on", a_flood_lets_go },
	};

	return RUN_TESTS(tests);
}
