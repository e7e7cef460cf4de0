// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "harness.h"
#include "gate/sweep.h"
#include "gate/programs.h"
#include "cgroup/mount.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct bg_store store = { .dir_fd = -1 };

static char base[PATH_MAX]; /* the cgroup that holds all of the tests' */
static char pins[256];
int first_netns = -1;
static bool failed;
static const char *skipped;

/* ---- results ---- */

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	printf("# ");
	vprintf(format, args);
	putchar('\n');
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	failed = true;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void skip(const char *why)
{
	skipped = why;
}

void give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	_exit(1);
}

bool has_failed(void)
{
	return failed;
}

unsigned long env_number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_each(const struct test *tests, size_t count)
{
	bool all_good = true;

	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		failed = false;
		skipped = NULL;
		tests[i].run();
		printf("%s %zu - %s%s%s\n", failed ? "not ok" : "ok", i + 1, tests[i].name,
		       skipped ? " # SKIP " : "", skipped ? skipped : "");
		all_good = all_good && !failed;
	}
	fflush(stdout);
	_exit(!all_good);
}

/* ---- surroundings ---- */

/* Lo up, with the addresses that the oracle takes for local. Nothing outside this namespace is touched. */
static void make_netns(void)
{
	static const char *const more_v6[] = { "fd00::1", "fd00:1:2:3::4" };
	struct ifreq request = { .ifr_name = "lo" };
	struct sockaddr_in *addr = (struct sockaddr_in *)&request.ifr_addr;
	int v4, v6;

	if (unshare(CLONE_NEWNET))
		give_up("cannot make a network namespace: %s", strerror(errno));
	v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(v4, SIOCSIFFLAGS, &request))
		give_up("cannot set lo up: %s", strerror(errno));

	strcpy(request.ifr_name, "lo:1");
	*addr = (struct sockaddr_in){ .sin_family = AF_INET };
	inet_pton(AF_INET, "10.1.2.3", &addr->sin_addr);
	if (ioctl(v4, SIOCSIFADDR, &request))
		give_up("cannot give lo 10.1.2.3: %s", strerror(errno));
	addr->sin_addr.s_addr = INADDR_BROADCAST; /* all else of its /8 would be local too */
	if (ioctl(v4, SIOCSIFNETMASK, &request))
		give_up("cannot set the netmask: %s", strerror(errno));

	for (size_t i = 0; i < sizeof(more_v6) / sizeof(*more_v6); i++) {
		struct in6_ifreq one = { .ifr6_prefixlen = 128, .ifr6_ifindex = 1 };

		inet_pton(AF_INET6, more_v6[i], &one.ifr6_addr);
		if (ioctl(v6, SIOCSIFADDR, &one))
			give_up("cannot give lo %s: %s", more_v6[i], strerror(errno));
	}
	close(v4);
	close(v6);
}

/* PID 1 tells which namespace is the machine's first, where it may be looked at; else the fixed inode number of 6.18. */
static void find_first_netns(void)
{
	struct stat own;

	first_netns = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	if (first_netns < 0 && !stat("/proc/self/ns/net", &own) && own.st_ino == 0xeffffff9)
		first_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	/* The files in a cgroup go with it. A process that was just killed stays in it for a moment. */
	for (int i = 0; type == FTW_DP && rmdir(path) && errno == EBUSY && i < 2000; i++)
		usleep(1000);
	return 0;
}

static void remove_cgroups(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_gates(void)
{
	__u64 *ids = NULL;
	size_t count = 0;

	if (access(pins, F_OK) || bg_sweep_open(pins, BG_STORE_WRITE, &store, NULL))
		return;
	bg_gate_ids(&store, &ids, &count, NULL);
	for (size_t i = 0; i < count; i++) {
		struct bg_cgroup cgroup;

		if (!bg_cgroup_from_id(ids[i], &cgroup, NULL) && !strncmp(cgroup.path, base, strlen(base)))
			bg_gate_detach(&store, ids[i], NULL);
	}
	free(ids);
	bg_store_remove(&store, NULL); /* not where somebody else has gates there */
	bg_store_close(&store);
}

static void name_surroundings(void)
{
	const char *below = getenv("BINDGATE_TEST_CGROUP"), *pin_dir = getenv("BINDGATE_PIN_DIR");
	struct bg_error error;

	if ((!below || !*below) && bg_cgroup_mount(&below, &error))
		give_up("%s", error.text);
	snprintf(base, sizeof(base), "%s/bindgate-test-%d", below, getpid());
	if (pin_dir && *pin_dir)
		snprintf(pins, sizeof(pins), "%s", pin_dir);
	else
		snprintf(pins, sizeof(pins), "/sys/fs/bpf/bindgate-test-%d", getpid());
	if (mkdir(base, 0755))
		give_up("cannot make the cgroup %s: %s", base, strerror(errno));
}

/* The tests run in a child, so that this process can clear up after whatever happens to them. */
int run_tests(const struct test *tests, size_t count)
{
	int status = -1, got;
	sigset_t signals;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	name_surroundings();
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_UNBLOCK, &signals, NULL);
		find_first_netns();
		make_netns();
		open_store();
		run_each(tests, count);
	}
	while (child > 0 && waitpid(child, &status, WNOHANG) == 0)
		if (!sigwait(&signals, &got) && got != SIGCHLD)
			kill(child, SIGKILL);
	if (!WIFEXITED(status))
		printf("Bail out! the tests were ended by signal %d\n", WTERMSIG(status));
	remove_gates();
	remove_cgroups(base);
	return status == 0 ? 0 : 1;
}

/* ---- gates ---- */

void open_store(void)
{
	struct bg_error error = { 0 };

	if (bg_sweep_open(pins, BG_STORE_WRITE, &store, &error) || bg_programs_load(&store, &error))
		give_up("%s", error.text);
}

void close_store(void)
{
	bg_store_close(&store);
}

struct bg_cgroup new_cgroup(const char *name)
{
	struct bg_cgroup cgroup;
	struct bg_error error;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", base, name) >= (int)sizeof(path))
		give_up("%s: too long", name);
	remove_cgroups(path);
	if (mkdir(path, 0755))
		give_up("cannot make the cgroup %s: %s", path, strerror(errno));
	if (bg_cgroup_find(path, &cgroup, &error))
		give_up("%s", error.text);
	return cgroup;
}

void enter_cgroup(const struct bg_cgroup *cgroup, pid_t pid)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d", pid) < 0)
		give_up("cannot move a process into %s: %s", cgroup->path, strerror(errno));
	close(fd);
}

void gate_policy(const struct bg_cgroup *cgroup, const struct bg_policy *policy)
{
	struct bg_error error;

	if (bg_gate_attach(&store, cgroup, policy, 0, &error) < 0)
		give_up("attach: %s", error.text);
}

void gate(const struct bg_cgroup *cgroup, struct options options, ...)
{
	struct bg_policy policy = {
		.default_verdict = options.denies ? BG_DENY : BG_PASS,
		.netns = options.host ? BG_NETNS_HOST : BG_NETNS_ANY,
		.audit = options.audit,
	};
	struct bg_error error;
	const char *rule;
	va_list args;

	va_start(args, options);
	while ((rule = va_arg(args, const char *)))
		if (bg_policy_add(&policy, rule, &error))
			give_up("%s: %s", rule, error.text);
	va_end(args);
	gate_policy(cgroup, &policy);
}

void ungate(const struct bg_cgroup *cgroup)
{
	struct bg_error error;

	if (bg_gate_detach(&store, cgroup->id, &error))
		give_up("detach: %s", error.text);
}

struct bg_gate *read_gate(const struct bg_cgroup *cgroup)
{
	static struct bg_gate gate;
	struct bg_error error;

	if (bg_gate_read(&store, cgroup->id, &gate, &error))
		give_up("read: %s", error.text);
	EXPECT(!*gate.damage, "%s: %s", cgroup->name, gate.damage);
	return &gate;
}
