// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/decision_log.h"

#include "cgroup/cgroup.h"
#include "report/json.h"
#include "node/say.h"
#include "node/stats.h"
#include "gate/watch.h"
#include "gate/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define USUAL_RATE 1000
#define JOURNAL "/run/systemd/journal/socket"

struct decision_log {
	struct bg_watcher watcher;
	enum bg_log_what what;
	bool to_journal;
	char *path; /* of a file; NULL: stdout or journald */
	int fd;
	unsigned long rate, left;   /* lines this second */
	unsigned long long dropped; /* not told yet */
	bool failing;               /* said so */
};

static int open_journal(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void open_target(struct decision_log *log)
{
	if (log->fd > STDOUT_FILENO)
		close(log->fd);
	if (log->path)
		log->fd =
			open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0640);
	else
		log->fd = log->to_journal ? open_journal() : STDOUT_FILENO;
	if (log->fd < 0) {
		stats.errors[ERROR_LOG]++;
		say(LOG_ERR, "cannot open the log %s: %s", log->path ? log->path : "of journald", strerror(errno));
	}
}

/* A line whole or not at all, as far as the target allows: what a full disk cut off is finished by a line's end. */
static bool write_line(struct decision_log *log, char *line, const char *verdict)
{
	size_t length = strlen(line);
	char entry[2600];
	ssize_t done;

	if (log->fd < 0)
		return false;
	if (log->to_journal) {
		length = (size_t)snprintf(entry, sizeof(entry),
					  "MESSAGE=%.2400s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=bindgated\n"
					  "BINDGATE_VERDICT=%s\n",
					  line, !strcmp(verdict, "deny") ? LOG_NOTICE : LOG_INFO, verdict);
		return send(log->fd, entry, length, MSG_NOSIGNAL) == (ssize_t)length;
	}
	if (poll(&(struct pollfd){ .fd = log->fd, .events = POLLOUT }, 1, 0) != 1) { /* a pipe that nobody empties */
		errno = EAGAIN;
		return false;
	}
	line[length++] = '\n'; /* in the place of its terminating zero */
	done = write(log->fd, line, length);
	if (done > 0 && (size_t)done < length && write(log->fd, "\n", 1) < 0)
		errno = ENOSPC;
	return done == (ssize_t)length;
}

static void put(struct decision_log *log, json_t *object, const char *verdict)
{
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(object);
	if (line && write_line(log, line, verdict)) {
		stats.log_lines++;
		log->failing = false;
	} else {
		log->dropped++;
		stats.log_dropped++;
		stats.errors[ERROR_LOG]++;
		if (!log->failing)
			say(LOG_ERR, "cannot write the log: %s; decisions are dropped until it can be",
			    strerror(errno));
		log->failing = true;
	}
	free(line);
}

static int note(const struct bg_event *event, void *arg)
{
	struct decision_log *log = arg;
	struct bg_cgroup cgroup;
	char name[32];

	if (log->what == BG_LOG_DENIED && event->verdict != BG_DENY && event->verdict != BG_REWRITE)
		return 0;
	if (!log->left) {
		log->dropped++;
		stats.log_dropped++;
		return 0;
	}
	log->left--;
	snprintf(name, sizeof(name), "id:%llu", event->cgroup);
	put(log, bg_json_event(event, bg_cgroup_from_id(event->cgroup, &cgroup, NULL) ? name : cgroup.name),
	    bg_verdict_name(event->verdict));
	return 0;
}

struct decision_log *decision_log_open(const char *pin_dir, const struct bg_declared_daemon *settings)
{
	const char *to = settings->log_to ? settings->log_to : "stdout";
	struct bg_error error;
	struct decision_log *log;
	struct bg_store store;
	int err;

	if (!settings->log || *settings->log == BG_LOG_NONE)
		return NULL;
	log = bg_need(calloc(1, sizeof(*log)));
	log->what = (enum bg_log_what) * settings->log;
	log->fd = -1;
	log->to_journal = !strcmp(to, "journald");
	log->path = strcmp(to, "stdout") && !log->to_journal ? bg_need(strdup(to)) : NULL;
	log->left = log->rate = settings->log_rate ? (unsigned long)*settings->log_rate : USUAL_RATE;
	err = bg_sweep_open(pin_dir, BG_STORE_WRITE, &store, &error);
	if (!err) {
		err = bg_watch_begin(&log->watcher, &store, note, log, &error);
		bg_store_close(&store);
	}
	if (err) {
		stats.errors[ERROR_LOG]++;
		say(LOG_ERR, "decisions are not logged: %s", error.text);
		free(log->path);
		free(log);
		return NULL;
	}
	open_target(log);
	return log;
}

void decision_log_close(struct decision_log *log)
{
	if (!log)
		return;
	decision_log_read(log);
	decision_log_tick(log);
	bg_watch_end(&log->watcher);
	if (log->fd > STDOUT_FILENO)
		close(log->fd);
	free(log->path);
	free(log);
}

int decision_log_fd(const struct decision_log *log)
{
	return bg_watch_fd(&log->watcher);
}

void decision_log_read(struct decision_log *log)
{
	bg_watch_wait(&log->watcher, 0);
}

void decision_log_tick(struct decision_log *log)
{
	__u64 lost = bg_watch_lost(&log->watcher);
	unsigned long long dropped = log->dropped;

	stats.events_lost += lost;
	log->left = log->rate;
	if (!lost && !dropped)
		return;
	log->dropped = 0;
	put(log, json_pack("{s:I,s:I}", "lost", (json_int_t)lost, "dropped", (json_int_t)dropped), "");
}

void decision_log_reopen(struct decision_log *log)
{
	if (log->path)
		open_target(log);
}
