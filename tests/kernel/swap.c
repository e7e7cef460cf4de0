// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies change in one step: processes that bind all the while see one or the other, and every bind is counted. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BINDERS 2

/* What the binders saw, in memory that they share with the test. */
struct seen {
	atomic_bool stop;
	atomic_ulong first, second, refused, other;
	atomic_uint sample; /* of another outcome: errno, or address and port */
};

/* UDP binds to 127.0.0.1:3000, one after the other. */
static void bind_on(struct seen *seen, unsigned int cpu)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(3000),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (!seen->stop) {
		struct sockaddr_in got = { 0 };
		socklen_t length = sizeof(got);
		int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
		unsigned int sample;

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (bind(fd, (struct sockaddr *)&to, sizeof(to))) {
			if (errno == EACCES)
				seen->refused++;
			else if (seen->other++ == 0)
				seen->sample = (unsigned int)errno;
			close(fd);
			continue;
		}
		getsockname(fd, (struct sockaddr *)&got, &length);
		close(fd);
		sample = (ntohl(got.sin_addr.s_addr) & 0xff) << 16 | ntohs(got.sin_port);
		if (sample == (2 << 16 | 81))
			seen->first++;
		else if (sample == (3 << 16 | 82))
			seen->second++;
		else if (seen->other++ == 0)
			seen->sample = sample;
	}
}

static struct seen *start_binders(const struct bg_cgroup *cgroup, pid_t pids[BINDERS])
{
	struct seen *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (unsigned int i = 0; i < BINDERS; i++) {
		int ready[2];
		char go;

		if (seen == MAP_FAILED || pipe(ready))
			give_up("cannot start a binder: %s", strerror(errno));
		pids[i] = fork();
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close_store();
			if (read(ready[0], &go, 1) == 1)
				bind_on(seen, i);
			_exit(0);
		}
		enter_cgroup(cgroup, pids[i]);
		if (write(ready[1], "", 1) != 1)
			give_up("cannot start a binder: %s", strerror(errno));
		close(ready[0]);
		close(ready[1]);
	}
	return seen;
}

static void stop_binders(struct seen *seen, const pid_t pids[BINDERS])
{
	seen->stop = true;
	for (int i = 0; i < BINDERS; i++)
		waitpid(pids[i], NULL, 0);
}

static void no_third_outcome_and_no_count_lost(void)
{
	static const struct options passes = { 0 }, denies = { .denies = true };
	unsigned long swaps = env_number("BINDGATE_TEST_SWAPS", 10000), i;
	struct bg_cgroup cgroup = new_cgroup("swap");
	const struct bg_gate *gate_now;
	pid_t pids[BINDERS];
	struct seen *seen;
	unsigned long binds;

	gate(&cgroup, passes, "3000=127.0.0.2:81", NULL);
	seen = start_binders(&cgroup, pids);
	for (i = 0; i < swaps && !seen->other; i++) {
		if (i % 3 == 0) /* the same ports by other rules, defaults and segments */
			gate(&cgroup, denies, "deny:22", "1-1023", "2999-3001=127.0.0.3:81", "4000-5000=9", NULL);
		else if (i % 3 == 1)
			gate(&cgroup, passes, "3000=127.0.0.2:81", NULL);
		else
			gate(&cgroup, passes, "deny:3000,uid=12345", "deny:3000/udp", NULL);
	}
	stop_binders(seen, pids);
	gate_now = read_gate(&cgroup);
	binds = seen->first + seen->second + seen->refused + seen->other;
	note("%lu swaps, %lu binds: %lu by the first, %lu by the second, %lu by the third policy", i, binds,
	     seen->first, seen->second, seen->refused);
	EXPECT(!seen->other, "an outcome of no policy: %#x", seen->sample);
	EXPECT(seen->first > 1000 && seen->second > 1000 && seen->refused > 1000, "not every policy was met");
	EXPECT(gate_now->verdicts[BG_REWRITE] == seen->first + seen->second, "%llu rewrites counted, %lu seen",
	       gate_now->verdicts[BG_REWRITE], seen->first + seen->second);
	EXPECT(gate_now->verdicts[BG_DENY] == seen->refused, "%llu denies counted, %lu seen",
	       gate_now->verdicts[BG_DENY], seen->refused);
	EXPECT(gate_now->verdicts[BG_PASS] + gate_now->verdicts[BG_ALLOW] == 0,
	       "%llu passes and %llu allows counted", gate_now->verdicts[BG_PASS], gate_now->verdicts[BG_ALLOW]);
	ungate(&cgroup);
}

static bool met_both_ways(const struct seen *seen)
{
	return seen->first > 100 && seen->second > 100;
}

/* A gate that comes and goes is whole or absent: never a port of it without the address, never a deny without the grant. */
static void attach_and_detach_are_one_step(void)
{
	unsigned long rounds = env_number("BINDGATE_TEST_SWAPS", 10000) / 10, i;
	struct bg_cgroup parent = new_cgroup("under"), cgroup = new_cgroup("under/it");
	pid_t pids[BINDERS];
	struct seen *seen;

	gate(&parent, (struct options){ 0 }, "3000=127.0.0.3:82",
	     NULL); /* what is seen while the inner gate is away */
	seen = start_binders(&cgroup, pids);
	/* one slow CPU seldom turns to a binder while the gate is there: then it takes more rounds to meet it */
	for (i = 0; (i < rounds || (!met_both_ways(seen) && i < 20 * rounds)) && !seen->other; i++) {
		gate(&cgroup, (struct options){ .denies = true }, "3000=127.0.0.2:81", NULL);
		ungate(&cgroup);
	}
	stop_binders(seen, pids);
	note("%lu rounds: %lu binds through the gate, %lu without it", i, seen->first, seen->second);
	EXPECT(!seen->other && !seen->refused,
	       "an outcome that neither with nor without the gate there is: %#x, %lu refused", seen->sample,
	       seen->refused);
	EXPECT(met_both_ways(seen), "the gate was not met both ways");
	ungate(&parent);
}

int main(void)
{
	static const struct test tests[] = {
		{ "swaps under load: no third outcome, no count lost", no_third_outcome_and_no_count_lost },
		{ "attach and detach under load: whole or absent", attach_and_detach_are_one_step },
	};

	return RUN_TESTS(tests);
}
