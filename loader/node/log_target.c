// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/log_target.h"

#include "base/clock.h"
#include "base/error.h"
#include "node/say.h"
#include "node/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL "/run/systemd/journal/socket"
#define REOPEN_S 1.0 /* no sooner after it was tried last */
#define WELL_S 5.0   /* without a failure: it is said that all is well again */

struct log_target {
	bool to_journal;
	char *path; /* of a file; NULL: stdout or journald */
	int fd;
	double opened;        /* when that was tried last */
	double failed;        /* when that was last so */
	struct bg_error said; /* "": all is well */
};

static int open_journal(struct bg_error *error)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	bg_error(error, -errno, "cannot open the log of journald: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int cannot_open(const char *path, struct bg_error *error)
{
	bg_error(error, -errno, "cannot open the log %s: %s", path,
		 errno == ELOOP ? "a symbolic link is on the way there" : strerror(errno));
	return -1;
}

/* Whoever else could write there could have root write to a file of their choice. */
static int open_folder(const char *path, struct bg_error *error)
{
	const struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	const char *slash = strrchr(path, '/');
	char *folder = bg_need(slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."));
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, folder, &how, sizeof(how));
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		cannot_open(path, error);
	} else if (st.st_uid != geteuid() || (st.st_mode & S_IWOTH) || ((st.st_mode & S_IWGRP) && st.st_gid)) {
		bg_error(error, -EPERM,
			 "cannot open the log %s: others may write to its folder; choose one that is root's alone",
			 path);
	} else {
		free(folder);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	free(folder);
	return -1;
}

static int open_file(const char *path, struct bg_error *error)
{
	const char *slash = strrchr(path, '/');
	int folder = open_folder(path, error), fd;

	if (folder < 0)
		return -1;
	fd = openat(folder, slash ? slash + 1 : path,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0640);
	if (fd < 0)
		cannot_open(path, error);
	close(folder);
	return fd;
}

static void close_fd(struct log_target *target)
{
	if (target->fd > STDOUT_FILENO)
		close(target->fd);
	target->fd = -1;
}

/* Tells what is new. */
static void tell(struct log_target *target, const struct bg_error *error)
{
	double now = bg_clock_seconds();

	if (error) {
		stats.errors[ERROR_LOG]++;
		if (strcmp(error->text, target->said.text))
			say(LOG_ERR, "%s; decisions are dropped until it can be", error->text);
		target->said = *error;
		target->failed = now;
	} else if (target->said.text[0] && now - target->failed >= WELL_S) {
		say(LOG_INFO, "the log is written again");
		target->said.text[0] = '\0';
	}
}

static int open_target(struct log_target *target, struct bg_error *error)
{
	close_fd(target);
	target->opened = bg_clock_seconds();
	target->fd = target->path         ? open_file(target->path, error)
		     : target->to_journal ? open_journal(error)
					  : STDOUT_FILENO;
	return target->fd < 0 ? -ENOTCONN : 0;
}

struct log_target *log_target_open(const char *to)
{
	struct log_target *target = bg_need(calloc(1, sizeof(*target)));
	struct bg_error error;

	target->fd = -1;
	target->to_journal = !strcmp(to, "journald");
	target->path = strcmp(to, "stdout") && !target->to_journal ? bg_need(strdup(to)) : NULL;
	if (open_target(target, &error))
		tell(target, &error);
	return target;
}

void log_target_close(struct log_target *target)
{
	close_fd(target);
	free(target->path);
	free(target);
}

void log_target_reopen(struct log_target *target)
{
	struct bg_error error;

	if (target->path && open_target(target, &error))
		tell(target, &error);
}

static ssize_t send_entry(int fd, const char *line, const char *verdict)
{
	char entry[2600];
	int length = snprintf(entry, sizeof(entry),
			      "MESSAGE=%.2400s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=bindgated\nBINDGATE_VERDICT=%s\n",
			      line, !strcmp(verdict, "deny") ? LOG_NOTICE : LOG_INFO, verdict);

	return send(fd, entry, (size_t)length, MSG_NOSIGNAL);
}

/* What a full disk cut off is finished by a line's end. */
static ssize_t append(int fd, const char *line)
{
	const struct iovec parts[] = { { .iov_base = (void *)line, .iov_len = strlen(line) },
				       { .iov_base = (void *)"\n", .iov_len = 1 } };
	ssize_t done;

	if (poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 0) != 1) { /* a pipe that nobody empties */
		errno = EAGAIN;
		return -1;
	}
	done = writev(fd, parts, 2);
	if (done > 0 && (size_t)done <= parts[0].iov_len) {
		(void)!write(fd, "\n", 1);
		errno = ENOSPC;
		return -1;
	}
	return done;
}

static int write_line(struct log_target *target, const char *line, const char *verdict, struct bg_error *error)
{
	ssize_t done;

	if (target->fd < 0)
		return -ENOTCONN; /* which was told */
	done = target->to_journal ? send_entry(target->fd, line, verdict) : append(target->fd, line);
	return done > 0 ? 0 : bg_error(error, -errno, "cannot write the log: %s", strerror(errno));
}

/* A file that was taken away goes on taking lines, which nobody will read. */
static bool is_lost(const struct log_target *target, int err)
{
	struct stat st;

	if (target->path)
		return target->fd < 0 || (!fstat(target->fd, &st) && !st.st_nlink);
	return target->to_journal && err && err != -EAGAIN;
}

int log_target_write(struct log_target *target, const char *line, const char *verdict)
{
	struct bg_error error = target->said;
	int err = write_line(target, line, verdict, &error);

	if (bg_clock_seconds() - target->opened >= REOPEN_S && is_lost(target, err)) {
		err = open_target(target, &error);
		if (!err)
			err = write_line(target, line, verdict, &error);
	}
	tell(target, err ? &error : NULL);
	return err;
}
