// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bench.h"

#include "cgroup/cgroup.h"
#include "gate/gate.h"
#include "gate/sweep.h"
#include "cgroup/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char bench_cgroup[256];
char bench_pins[64];
struct bg_error bench_error;

static char mount[PATH_MAX];

void bench_enter(const char *cgroup)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		bench_die("cannot enter %s: %s", cgroup, strerror(errno));
	close(fd);
}

/* Children first: a cgroup with children cannot go. */
static void remove_tree(const char *path)
{
	char command[PATH_MAX + 64];

	snprintf(command, sizeof(command), "find '%s' -depth -type d -exec rmdir {} +", path);
	if (system(command)) /* NOLINT(cert-env33-c): the bench's own words */
		fprintf(stderr, "bench: could not remove %s\n", path);
}

static void detach_all(void)
{
	struct bg_store store;
	__u64 *ids = NULL;
	size_t count = 0;

	if (bg_sweep_open(bench_pins, BG_STORE_WRITE, &store, NULL))
		return;
	bg_gate_ids(&store, &ids, &count, NULL);
	for (size_t i = 0; i < count; i++)
		bg_gate_detach(&store, ids[i], NULL);
	free(ids);
	bg_store_remove(&store, NULL);
	bg_store_close(&store);
}

static void on_signal(int signal)
{
	(void)signal; /* the watching parent cleans up */
	_exit(1);
}

/* The bench goes on in a child; this process outlives it and clears up behind it, whatever ends it. */
void bench_begin(void)
{
	const char *path;
	pid_t child;
	int status;

	bench_check(bg_cgroup_mount(&path, &bench_error));
	snprintf(mount, sizeof(mount), "%s", path);
	snprintf(bench_cgroup, sizeof(bench_cgroup), "%.200s/bindgate-bench-%d", mount, getpid());
	snprintf(bench_pins, sizeof(bench_pins), "/sys/fs/bpf/bindgate-bench-%d", getpid());
	bench_mkdir(bench_cgroup);
	child = fork();
	if (child == 0) {
		signal(SIGINT, on_signal);
		signal(SIGTERM, on_signal);
		return;
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	detach_all();
	remove_tree(bench_cgroup);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void bench_end(void)
{
	bench_enter(mount);
}

void bench_die(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void bench_check(int result)
{
	if (result < 0)
		bench_die("%s", *bench_error.text ? bench_error.text : strerror(errno));
}

void *bench_room(size_t count, size_t size)
{
	void *room = calloc(count, size);

	if (!room)
		bench_die("out of memory");
	return room;
}

void bench_mkdir(const char *path)
{
	if (mkdir(path, 0755))
		bench_die("cannot make %s: %s", path, strerror(errno));
}

int bench_loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

__u64 bench_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

void bench_progress(const char *what, int done, int all)
{
	static int shown = -1;
	int percent = done * 100 / all;

	if (percent == shown || !isatty(STDERR_FILENO))
		return;
	shown = percent;
	fprintf(stderr, done < all ? "\r%s: %d%% " : "\r\033[K", what, percent);
}
