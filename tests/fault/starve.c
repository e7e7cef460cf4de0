// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Becomes a command of which one system call fails for as long as a file is there:
 *
 *	starve FILE CALL ERRNO COMMAND...
 *
 * What is scarce to a whole uid (inotify's instances and watches) can so be scarce to one process. Another process
 * answers the kernel (seccomp's user notification), and ends with the command.
 */
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void die(const char *what, int err)
{
	fprintf(stderr, "starve: %s: %s\n", what, strerror(err));
	_exit(125);
}

/* In the child, which was told the number that the descriptor has in its parent. */
static int take_fd(int pipe, pid_t parent)
{
	int number, process, fd;

	if (read(pipe, &number, sizeof(number)) != sizeof(number))
		return -1;
	process = (int)syscall(SYS_pidfd_open, parent, 0);
	fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	close(process);
	return fd;
}

static void supervise(int notify, const char *file, int error)
{
	struct pollfd wait = { .fd = notify, .events = POLLIN };
	struct seccomp_notif_resp *response;
	struct seccomp_notif *call;

	if (seccomp_notify_alloc(&call, &response))
		die("no memory", ENOMEM);
	/* POLLHUP: nobody is left whose calls are filtered */
	while (poll(&wait, 1, -1) == 1 && (wait.revents & POLLIN)) {
		memset(call, 0, sizeof(*call)); /* which the kernel insists on */
		if (seccomp_notify_receive(notify, call))
			continue;
		*response = (struct seccomp_notif_resp){ .id = call->id };
		if (access(file, F_OK))
			response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		else
			response->error = -error;
		seccomp_notify_respond(notify, response);
	}
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	pid_t parent = getpid();
	int ends[2], number, err;

	if (argc < 5 || !filter)
		die("starve FILE CALL ERRNO COMMAND...", EINVAL);
	if (pipe(ends))
		die("pipe", errno);
	switch (fork()) {
	case -1:
		die("fork", errno);
	case 0:
		close(ends[1]);
		number = take_fd(ends[0], parent);
		close(ends[0]);
		if (number < 0)
			die("cannot take the descriptor", errno);
		supervise(number, argv[1], atoi(argv[3]));
		_exit(0);
	default:
		break;
	}
	err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, seccomp_syscall_resolve_name(argv[2]), 0);
	if (!err)
		err = seccomp_load(filter);
	number = seccomp_notify_fd(filter);
	if (err || number < 0 || write(ends[1], &number, sizeof(number)) != sizeof(number))
		die("cannot filter system calls", err ? -err : errno);
	close(ends[0]);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* yama */
	/* the other end is closed when the descriptor was taken; then it may go with the exec */
	while (poll(&(struct pollfd){ .fd = ends[1], .events = 0 }, 1, -1) < 0 && errno == EINTR)
		;
	close(ends[1]);
	execvp(argv[4], argv + 4);
	die(argv[4], errno);
}
