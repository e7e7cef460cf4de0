// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/decision_log.h"

#include "cgroup/cgroup.h"
#include "report/json.h"
#include "node/say.h"
#include "node/stats.h"
#include "gate/watch.h"

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

struct audit {
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

static void open_target(struct audit *audit)
{
	if (audit->fd > STDOUT_FILENO)
		close(audit->fd);
	if (audit->path)
		audit->fd = open(audit->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
				 0640);
	else
		audit->fd = audit->to_journal ? open_journal() : STDOUT_FILENO;
	if (audit->fd < 0) {
		stats.errors[ERROR_LOG]++;
		say(LOG_ERR, "cannot open the log %s: %s", audit->path ? audit->path : "of journald",
		    strerror(errno));
	}
}

/* A line whole or not at all, as far as the target allows: what a full disk cut off is finished by a line's end. */
static bool write_line(struct audit *audit, char *line, const char *verdict)
{
	size_t length = strlen(line);
	char entry[2600];
	ssize_t done;

	if (audit->fd < 0)
		return false;
	if (audit->to_journal) {
		length = (size_t)snprintf(entry, sizeof(entry),
					  "MESSAGE=%.2400s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=bindgated\n"
					  "BINDGATE_VERDICT=%s\n",
					  line, !strcmp(verdict, "deny") ? LOG_NOTICE : LOG_INFO, verdict);
		return send(audit->fd, entry, length, MSG_NOSIGNAL) == (ssize_t)length;
	}
	if (poll(&(struct pollfd){ .fd = audit->fd, .events = POLLOUT }, 1, 0) !=
	    1) { /* a pipe that nobody empties */
		errno = EAGAIN;
		return false;
	}
	line[length++] = '\n'; /* in the place of its terminating zero */
	done = write(audit->fd, line, length);
	if (done > 0 && (size_t)done < length && write(audit->fd, "\n", 1) < 0)
		errno = ENOSPC;
	return done == (ssize_t)length;
}

static void put(struct audit *audit, json_t *object, const char *verdict)
{
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(object);
	if (line && write_line(audit, line, verdict)) {
		stats.log_lines++;
		audit->failing = false;
	} else {
		audit->dropped++;
		stats.log_dropped++;
		stats.errors[ERROR_LOG]++;
		if (!audit->failing)
			say(LOG_ERR, "cannot write the log: %s; decisions are dropped until it can be",
			    strerror(errno));
		audit->failing = true;
	}
	free(line);
}

static int note(const struct bg_event *event, void *arg)
{
	struct audit *audit = arg;
	struct bg_cgroup cgroup;
	char name[32];

	if (audit->what == BG_LOG_DENIED && event->verdict != BG_DENY && event->verdict != BG_REWRITE)
		return 0;
	if (!audit->left) {
		audit->dropped++;
		stats.log_dropped++;
		return 0;
	}
	audit->left--;
	snprintf(name, sizeof(name), "id:%llu", event->cgroup);
	put(audit, bg_json_event(event, bg_cgroup_from_id(event->cgroup, &cgroup, NULL) ? name : cgroup.name),
	    bg_verdict_name(event->verdict));
	return 0;
}

struct audit *audit_open(const char *pin_dir, const struct bg_declared_daemon *settings)
{
	const char *to = settings->log_to ? settings->log_to : "stdout";
	struct bg_error error;
	struct audit *audit;

	if (!settings->log || *settings->log == BG_LOG_NONE)
		return NULL;
	audit = need(calloc(1, sizeof(*audit)));
	audit->what = (enum bg_log_what) * settings->log;
	audit->fd = -1;
	audit->to_journal = !strcmp(to, "journald");
	audit->path = strcmp(to, "stdout") && !audit->to_journal ? need(strdup(to)) : NULL;
	audit->left = audit->rate = settings->log_rate ? (unsigned long)*settings->log_rate : USUAL_RATE;
	if (bg_watch_begin(&audit->watcher, pin_dir, note, audit, &error)) {
		stats.errors[ERROR_LOG]++;
		say(LOG_ERR, "decisions are not logged: %s", error.text);
		free(audit->path);
		free(audit);
		return NULL;
	}
	open_target(audit);
	return audit;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	audit_read(audit);
	audit_tick(audit);
	bg_watch_end(&audit->watcher);
	if (audit->fd > STDOUT_FILENO)
		close(audit->fd);
	free(audit->path);
	free(audit);
}

int audit_fd(const struct audit *audit)
{
	return bg_watch_fd(&audit->watcher);
}

void audit_read(struct audit *audit)
{
	bg_watch_wait(&audit->watcher, 0);
}

void audit_tick(struct audit *audit)
{
	__u64 lost = bg_watch_lost(&audit->watcher);
	unsigned long long dropped = audit->dropped;

	stats.events_lost += lost;
	audit->left = audit->rate;
	if (!lost && !dropped)
		return;
	audit->dropped = 0;
	put(audit, json_pack("{s:I,s:I}", "lost", (json_int_t)lost, "dropped", (json_int_t)dropped), "");
}

void audit_reopen(struct audit *audit)
{
	if (audit->path)
		open_target(audit);
}
