// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a command of which one system call fails:
 *
 *	inject REPORT NTH ERRNO COMMAND...
 *
 * or of which one system call (NTH 0: each) is held while a shell runs a line of its own, $CALL being the call's number:
 *
 *	inject REPORT NTH LINE COMMAND...
 *
 * Each call that the command and its children make can be the one, except those that Linux never fails. The loader's are
 * not counted: the count begins when main() says what becomes of SIGPIPE, which is the first thing that it does. The
 * kernel holds each call until this process has said whether it may go on (seccomp's user notification), so that static
 * programs, libraries' own calls and those made by hand are caught alike. Into REPORT goes its name
 * and its first argument; nothing where there were not so many. Ends as the command does; 125 where it could not be run.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_RUN 125

/* What cannot fail, or whose failure Linux does not let happen: a close that reports an error has closed all the same. */
static const char *const unfailing[] = {
	"close",
	"exit",
	"exit_group",
	"munmap",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"restart_syscall",
	"sched_yield",
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"clock_gettime",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"arch_prctl",
	"set_tid_address",
	"set_robust_list",
	"rseq",
	"futex",
	"sendmsg",
	"madvise",
	"wait4",
	"uname",
	"sigaltstack", /* a sanitizer's */
	"brk",         /* its failure is the old break, no errno */

	"kill",
	"tgkill",
};

static _Noreturn void die(const char *what, int err)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(err));
	_exit(NOT_RUN);
}

static int send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {
		.header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
	};
	struct msghdr message = { .msg_iov = &(struct iovec){ .iov_base = (char[]){ 'x' }, .iov_len = 1 },
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct msghdr message = { .msg_iov = &(struct iovec){ .iov_base = &byte, .iov_len = 1 },
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || message.msg_controllen < CMSG_LEN(sizeof(int)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* In the child: from here on, every call waits for the parent, but those that send it the means to answer. */
static _Noreturn void become(int socket, char **command)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_NOTIFY);
	const struct scmp_arg_cmp end_of_polling = { .arg = 1, .op = SCMP_CMP_EQ, .datum_a = EPOLL_CTL_DEL };
	int err = filter ? 0 : -ENOMEM;

	for (size_t i = 0; i < sizeof(unfailing) / sizeof(*unfailing) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(unfailing[i]), 0);
	/* a sanitizer's own memory is not the command's, and it ends where it has none */
	if (!err && getenv("INJECT_SPARES_MEMORY"))
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 0);
	if (!err)
		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(epoll_ctl), 1, &end_of_polling);
	if (!err)
		err = seccomp_load(filter);
	if (!err)
		err = send_fd(socket, seccomp_notify_fd(filter));
	if (err)
		die("cannot filter system calls", -err);
	close(seccomp_notify_fd(filter));
	close(socket);
	execvp(command[0], command);
	die(command[0], errno);
}

struct run {
	int notify;
	unsigned long nth;
	int error;
	const char *line; /* to run instead; NULL: none */
	bool begun;
	pid_t foreign; /* a process that has become another program: whose calls are not ours to fail */
	unsigned long calls;
	FILE *report;
};

/* While the command waits. */
static void run_line(const struct run *run)
{
	char number[24];

	snprintf(number, sizeof(number), "%lu", run->calls);
	setenv("CALL", number, 1);
	if (system(run->line) < 0) /* NOLINT(cert-env33-c): the test's own line, for a shell */
		die(run->line, errno);
}

static void answer(struct run *run, struct seccomp_notif *call, struct seccomp_notif_resp *response)
{
	*response = (struct seccomp_notif_resp){ .id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	if (!run->begun) {
		run->begun = call->data.nr == SCMP_SYS(rt_sigaction) && call->data.args[0] == SIGPIPE;
	} else if ((pid_t)call->pid == run->foreign) {
		; /* goes on */
	} else if (++run->calls == run->nth || (run->line && !run->nth)) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call->data.nr);

		fprintf(run->report, "%s %lld", name ? name : "?", call->data.args[0]);
		fflush(run->report); /* whoever waits in vain for what comes of it may end this process */
		free(name);
		if (run->line) {
			run_line(run);
		} else {
			response->flags = 0;
			response->error = -run->error;
		}
	}
	if (run->begun && call->data.nr == SCMP_SYS(execve) && !response->error)
		run->foreign = (pid_t)call->pid;
	seccomp_notify_respond(run->notify, response); /* fails where the command was killed: then nobody waits */
}

static void supervise(struct run *run)
{
	struct pollfd wait = { .fd = run->notify, .events = POLLIN };
	struct seccomp_notif_resp *response;
	struct seccomp_notif *call;

	if (seccomp_notify_alloc(&call, &response))
		die("no memory", ENOMEM);
	/* POLLHUP: nobody is left whose calls are filtered */
	while (poll(&wait, 1, -1) >= 0 || errno == EINTR) {
		if (wait.revents & POLLIN) {
			memset(call, 0, sizeof(*call)); /* which the kernel insists on */
			if (!seccomp_notify_receive(run->notify, call))
				answer(run, call, response);
		} else if (wait.revents) {
			break;
		}
	}
	seccomp_notify_free(call, response);
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	int ends[2], status;
	pid_t child;

	if (argc < 5)
		die("inject REPORT NTH ERRNO|LINE COMMAND...", EINVAL);
	run.nth = strtoul(argv[2], NULL, 10);
	run.error = atoi(argv[3]);
	run.line = isdigit((unsigned char)argv[3][0]) ? NULL : argv[3];
	run.report = fopen(argv[1], "we");
	if (!run.report || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		die(argv[1], errno);
	child = fork();
	if (child < 0)
		die("cannot start a process", errno);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		become(ends[1], argv + 4);
	}
	signal(SIGINT, SIG_IGN); /* of the terminal or the process group: the command's own affair */
	close(ends[1]);
	run.notify = receive_fd(ends[0]);
	if (run.notify >= 0)
		supervise(&run);
	if (waitpid(child, &status, 0) != child)
		die("cannot wait", errno);
	if (fclose(run.report))
		die(argv[1], errno);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
