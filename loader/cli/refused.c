// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* watch --refused: every bind that the machine refuses, and what would help. */
#include "base/clock.h"
#include "cli/cli.h"
#include "explain/refusal.h"
#include "gate/refused.h"
#include "gate/sweep.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RECENT 64
#define REPEATS_EVERY_S 5.0 /* a service that tries again and again is one line in so many seconds */

/* A refusal that was shown. Restarted services come back with another pid. */
struct shown {
	struct bg_refusal refusal; /* the newest of its kind */
	__u64 times;
	__u64 untold; /* of them */
};

struct refusals {
	struct cli *cli;
	unsigned long left; /* still to be shown; 0: no end */
	bool over;
	struct shown recent[RECENT];
	unsigned int next; /* the place of the next new one */
	double repeats_due;
};

static bool same_kind(const struct bg_refusal *a, const struct bg_refusal *b)
{
	return a->uid == b->uid && a->port == b->port && a->error == b->error && a->protocol == b->protocol &&
	       a->addr.hi == b->addr.hi && a->addr.lo == b->addr.lo && !memcmp(a->comm, b->comm, BG_COMM_MAX);
}

/* What cannot be explained any more is shown all the same. */
static void explain(const struct cli *cli, const struct bg_refusal *refusal, struct bg_refusal_why *why)
{
	struct bg_store store;

	bg_refusal_describe(refusal, why);
	if (bg_sweep_open(cli->pin_dir, BG_STORE_READ, &store, NULL))
		return;
	bg_refusal_explain(&store, refusal, why, NULL);
	bg_store_close(&store);
}

static void print_holders(const struct bg_netns_view *view)
{
	for (unsigned int i = 0; i < view->holders_count; i++)
		printf("%s%s (%d)", i ? ", " : "    held by ", bg_escape(view->holders[i].name),
		       view->holders[i].pid);
	puts(view->holders_count ? "" : "    whoever held it has let it go, or cannot be seen from here");
}

static void print_cause(const struct bg_refusal_why *why)
{
	const char *remedy = why->why.remedy && *why->why.remedy ? why->why.remedy : NULL;

	switch (why->cause) {
	case BG_REFUSED_HELD:
		print_holders(&why->why.netns_view);
		return;
	case BG_REFUSED_GATE:
		puts(remedy ? "    a gate denies it; this would grant it:" : "    a gate denies it");
		break;
	case BG_REFUSED_PRIVILEGE:
		puts(remedy ? "    the port takes a privilege; this would grant it:"
			    : "    the port takes a privilege");
		break;
	default:
		puts("    neither a gate nor the port's privilege refuses it now: look for an LSM (SELinux, AppArmor)");
		return;
	}
	if (remedy)
		printf("    %s%s%s\n", cli_style("bold"), remedy, cli_style("plain"));
}

/* TIME  ERRNO  ADDRESS  PROCESS, and in which cgroup. */
static void print_line(const struct bg_refusal *refusal, const struct bg_refusal_why *why, __u64 times)
{
	char comm[BG_COMM_MAX + 1] = "", addr[INET6_ADDRSTRLEN], seconds[16];
	struct timespec time = bg_clock_wall(refusal->time);
	bool v4 = bg_addr_is_ip4(&refusal->addr);
	struct tm local;

	memcpy(comm, refusal->comm, BG_COMM_MAX);
	strftime(seconds, sizeof(seconds), "%H:%M:%S", localtime_r(&time.tv_sec, &local));
	printf("%s.%03ld %s%s%s %s%s%s:%u/%s, %s (%u), uid %u, in %s", seconds, time.tv_nsec / 1000000,
	       cli_style("red"), strerrorname_np(refusal->error), cli_style("plain"), v4 ? "" : "[",
	       bg_addr_print(&refusal->addr, addr), v4 ? "" : "]", refusal->port,
	       bg_protocol_name(why->bind.protocol), bg_escape(comm), refusal->pid, refusal->uid,
	       bg_escape(why->cgroup.name));
	if (times > 1)
		printf(", %llu times so far", times);
	putchar('\n');
}

static void show(struct refusals *refusals, const struct bg_refusal *refusal, __u64 times)
{
	struct bg_refusal_why why;

	explain(refusals->cli, refusal, &why);
	if (refusals->cli->json) {
		json_t *object = bg_need(bg_json_refusal(refusal, &why));

		json_object_set_new(object, "times", json_integer((json_int_t)times));
		json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(object);
	} else {
		print_line(refusal, &why, times);
		if (times == 1)
			print_cause(&why);
	}
	free(why.why.remedy);
	refusals->over = ferror(stdout) || (refusals->left && --refusals->left == 0);
}

static int take(const struct bg_refusal *refusal, void *arg)
{
	struct refusals *refusals = arg;
	struct shown *shown;

	for (unsigned int i = 0; i < RECENT; i++) {
		shown = &refusals->recent[i];
		if (!shown->times || !same_kind(&shown->refusal, refusal))
			continue;
		shown->refusal = *refusal;
		shown->times++;
		shown->untold++;
		if (refusals->repeats_due <= 0)
			refusals->repeats_due = bg_clock_seconds() + REPEATS_EVERY_S;
		return 0;
	}
	shown = &refusals->recent[refusals->next++ % RECENT];
	*shown = (struct shown){ .refusal = *refusal, .times = 1 };
	show(refusals, refusal, 1);
	return refusals->over ? -ECANCELED : 0;
}

static void tell_repeats(struct refusals *refusals)
{
	refusals->repeats_due = 0;
	for (unsigned int i = 0; i < RECENT && !refusals->over; i++) {
		struct shown *shown = &refusals->recent[i];

		if (!shown->untold)
			continue;
		shown->untold = 0;
		show(refusals, &shown->refusal, shown->times);
	}
}

static int timeout_of(const struct refusals *refusals)
{
	double left = refusals->repeats_due - bg_clock_seconds();

	return refusals->repeats_due <= 0 ? -1 : left > 0 ? (int)(left * 1000) + 1 : 0;
}

/* Until a signal, the last one wanted, or the end of whoever reads. */
static int follow(struct refusals *refusals, struct bg_refused *refused, int signals, struct bg_error *error)
{
	struct pollfd polls[] = {
		{ .fd = bg_refused_fd(refused), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* a pipe without a reader says so by itself */
	};
	int err = 0;

	while (!refusals->over && !err) {
		__u64 lost;

		if (poll(polls, 3, timeout_of(refusals)) < 0 && errno != EINTR)
			return bg_error(error, -errno, "cannot wait for refusals: %s", strerror(errno));
		if (polls[0].revents)
			err = bg_refused_read(refused);
		if (refusals->repeats_due > 0 && bg_clock_seconds() >= refusals->repeats_due)
			tell_repeats(refusals);
		lost = bg_refused_lost(refused);
		if (lost)
			cli_print_warning(refusals->cli,
					  "%llu refusals were lost: they came faster than this could be read",
					  lost);
		if (polls[1].revents || (polls[2].revents & POLLERR))
			break;
		if (fflush(stdout))
			return errno == EPIPE
				       ? 0
				       : bg_error(error, -errno, "cannot write the refusals: %s", strerror(errno));
	}
	if (!refusals->over)
		tell_repeats(refusals);
	fflush(stdout);
	return err == -ECANCELED ? 0 : err;
}

int cli_watch_refused(struct cli *cli, unsigned long count)
{
	static struct refusals refusals;
	struct bg_error error = { "" };
	struct bg_refused *refused;
	int signals = cli_catch_signals(&error), err;

	refusals = (struct refusals){ .cli = cli, .left = count };
	if (signals < 0)
		return cli_print_error(cli, signals, &error);
	err = bg_refused_open(&refused, take, &refusals, &error);
	if (!err) {
		if (!cli->json && isatty(STDOUT_FILENO))
			printf("Every bind that this machine refuses%s. Ctrl-C ends it.\n",
			       bg_refused_is_costly(refused) ? " (meanwhile each system call costs a little more)"
							     : "");
		fflush(stdout);
		err = follow(&refusals, refused, signals, &error);
		bg_refused_close(refused);
	}
	close(signals);
	return err ? cli_print_error(cli, err, &error) : DONE;
}
