// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When detach returns, the very next bind is ungated. */
#include "harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum turn {
	WAIT,
	BIND,
	DONE
};

struct shared {
	_Atomic enum turn turn;
	atomic_int error; /* of the bind */
};

/* Waits spinning, so that its bind comes as soon after as can be. */
static void bind_in_turn(struct shared *shared)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };

	for (;;) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		while (shared->turn != BIND)
			;
		shared->error = bind(fd, (struct sockaddr *)&to, sizeof(to)) ? errno : 0;
		shared->turn = DONE;
		close(fd);
	}
}

static int bind_now(struct shared *shared)
{
	shared->turn = BIND;
	while (shared->turn != DONE)
		sched_yield();
	return shared->error;
}

static struct shared *start_helper(const struct bg_cgroup *cgroup, pid_t *pid)
{
	struct shared *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*pid = shared == MAP_FAILED ? -1 : fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_store();
		enter_cgroup(cgroup, getpid());
		if (setresuid(65534, 65534, 65534) || prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		bind_in_turn(shared);
	}
	if (*pid < 0)
		give_up("cannot start a helper: %s", strerror(errno));
	return shared;
}

static void by_library(const struct bg_cgroup *cgroup)
{
	ungate(cgroup);
}

/* The command, as people run it. */
static void by_command(const struct bg_cgroup *cgroup)
{
	char *argv[] = { getenv("BINDGATE"), (char *)"detach", (char *)cgroup->path, NULL };
	int status = -1;
	pid_t pid;

	close_store();
	if (!argv[0])
		give_up("BINDGATE is not set: tests/run sets it");
	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) || waitpid(pid, &status, 0) < 0 || status)
		give_up("%s detach ended with %d", argv[0], status);
}

static void rounds(unsigned long count, void (*detach)(const struct bg_cgroup *cgroup))
{
	struct bg_cgroup cgroup = new_cgroup("detach");
	unsigned long missed = 0, ungranted = 0;
	struct shared *shared;
	pid_t pid;

	shared = start_helper(&cgroup, &pid);
	for (unsigned long i = 0; i < count; i++) {
		gate(&cgroup, (struct options){ 0 }, "80", NULL);
		ungranted += bind_now(shared) != 0;
		detach(&cgroup);
		missed += bind_now(shared) != EACCES;
		if (store.dir_fd < 0)
			open_store();
	}
	note("%lu rounds", count);
	EXPECT(!ungranted, "%lu of %lu binds after attach were refused", ungranted, count);
	EXPECT(!missed, "%lu of %lu binds after detach were granted", missed, count);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void the_library(void)
{
	rounds(env_number("BINDGATE_TEST_DETACHES", 1000), by_library);
}

static void the_command(void)
{
	if (!getenv("BINDGATE"))
		give_up("BINDGATE is not set: tests/run sets it");
	rounds(env_number("BINDGATE_TEST_DETACHES", 1000) / 5, by_command);
}

int main(void)
{
	static const struct test tests[] = {
		{ "the bind after a detach by the library is refused", the_library },
		{ "the bind after bindgate detach is refused", the_command },
	};

	return RUN_TESTS(tests);
}
