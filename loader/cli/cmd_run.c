// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "cli/scope.h"
#include "gate/transient.h"
#include "gate/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_RUN 126 /* as shells have it */
#define NOT_FOUND 127

#define OPTION_USER 300

/* Whom the command runs as. */
struct user {
	bool actual;
	uid_t uid;
	gid_t gid;
	char name[64]; /* empty: has none */
	char home[256];
	char shell[256];
};

static int find_user(const struct cli *cli, const char *text, struct user *out)
{
	const struct passwd *entry = getpwnam(text);
	unsigned long uid = 0;

	if (!entry && (!strcmp(text, "0") || cli_parse_number(text, 4294967294, &uid)))
		entry = getpwuid((uid_t)uid);
	if (!entry && !uid)
		return cli_usage_error(cli, "there is no user \"%.32s\" here", text);
	*out = (struct user){ .actual = true, .uid = (uid_t)uid, .gid = (gid_t)uid };
	if (!entry)
		return DONE;
	out->uid = entry->pw_uid;
	out->gid = entry->pw_gid;
	snprintf(out->name, sizeof(out->name), "%s", entry->pw_name);
	snprintf(out->home, sizeof(out->home), "%s", entry->pw_dir);
	snprintf(out->shell, sizeof(out->shell), "%s", entry->pw_shell);
	return DONE;
}

static int enter(const struct bg_transient *transient)
{
	int fd = openat(transient->dir, "cgroup.procs", O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || write(fd, "0", 1) != 1)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Another user than root has no capability left after this, and inherits none. */
static int become(const struct user *user)
{
	if (user->name[0] ? initgroups(user->name, user->gid) : setgroups(0, NULL))
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	if (user->uid) {
		struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
		struct __user_cap_data_struct none[2] = { { 0 } };

		if (setresuid(user->uid, user->uid, user->uid) || syscall(SYS_capset, &header, none))
			return -errno;
	} else if (setresuid(0, 0, 0)) {
		return -errno;
	}
	if (user->name[0]) {
		setenv("USER", user->name, 1);
		setenv("LOGNAME", user->name, 1);
		setenv("HOME", user->home, 1);
		setenv("SHELL", user->shell, 1);
	}
	return 0;
}

/* In the child; does not return. The command dies with bindgate: nobody would end its gate. */
static void execute(const struct cli *cli, pid_t parent, const struct bg_transient *transient,
		    const struct user *user, char **command)
{
	struct bg_error error;
	sigset_t none;
	int err = enter(transient);

	if (err) {
		bg_error(&error, err, "cannot enter %s: %s", transient->cgroup.path, strerror(-err));
		_exit(cli_print_error_as(cli, NOT_RUN, &error));
	}
	if (cli_leave_mounts(cli, &error))
		_exit(cli_print_error_as(cli, NOT_RUN, &error));
	if (user->actual && (err = become(user))) {
		bg_error(&error, err, "cannot become user %u: %s", user->uid, strerror(-err));
		_exit(cli_print_error_as(cli, NOT_RUN, &error));
	}
	if (user->actual && user->uid)
		setsid(); /* or it could type into root's terminal, with TIOCSTI */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(NOT_RUN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	bg_error(&error, -errno, "cannot run %.256s: %s", command[0], strerror(errno));
	_exit(cli_print_error_as(cli, errno == ENOENT ? NOT_FOUND : NOT_RUN, &error));
}

/* Passes signals on until the command ends. What the terminal sends, a command in this session gets itself; in one of its
 * own it is sent to all that the terminal would have sent it to. */
static int wait_for(pid_t child, bool own_session, int signals)
{
	struct signalfd_siginfo got;
	int status = 0;

	for (;;) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		if (read(signals, &got, sizeof(got)) != sizeof(got) || got.ssi_signo == SIGCHLD)
			continue;
		if (got.ssi_signo == SIGTSTP) {
			kill(-child, SIGSTOP);
			raise(SIGSTOP);
			kill(-child, SIGCONT);
		} else if (own_session && got.ssi_code > 0) {
			kill(-child, (int)got.ssi_signo);
		} else if (got.ssi_code <= 0 || got.ssi_signo == SIGTERM || got.ssi_signo == SIGHUP) {
			kill(child, (int)got.ssi_signo);
		}
	}
}

static int open_signals(bool own_session, struct bg_error *error)
{
	static const int which[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD };
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(which) / sizeof(*which); i++)
		sigaddset(&signals, which[i]);
	if (own_session)
		sigaddset(&signals, SIGTSTP);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (fd < 0)
		return bg_error(error, -errno, "cannot wait for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return fd;
}

/* Ends this process the way the command ended. */
static int end_as(int status)
{
	sigset_t one;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }); /* the command has left one, if any */
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static void process_name(int pid, char name[static 64])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, 64, file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* What the command left behind itself is about to be killed: a server that went into the background, most often. */
static void warn_of_left(const struct cli *cli, const struct bg_transient *transient, bool exited)
{
	int fd = openat(transient->dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid;
	FILE *procs = fd < 0 ? NULL : fdopen(fd, "r");
	char first[64] = "";
	unsigned int count = 0;

	while (procs && fscanf(procs, "%d", &pid) == 1) {
		if (count++ == 0)
			process_name(pid, first);
	}
	if (procs)
		fclose(procs);
	else if (fd >= 0)
		close(fd);
	if (count)
		cli_print_warning(cli, "the command %s and left %u process%s (%s): killed%s",
				  exited ? "ended" : "was ended", count, count == 1 ? "" : "es", first,
				  exited ? "; run the server in the foreground" : "");
}

/* Under one lock, which ends with this process where that becomes another, in a scope. */
static int begin(const struct cli *cli, const struct bg_policy *policy, bool own_session, struct bg_transient *out,
		 int *signals, struct bg_error *error)
{
	struct bg_place place;
	struct bg_store store;
	int err = bg_sweep_open(cli->pin_dir, BG_STORE_WRITE, &store, error);

	if (err)
		return err;
	err = bg_place_find(&place, error);
	if (!err)
		err = cli_enter_scope(&place, error);
	if (!err) {
		*signals = open_signals(own_session, error);
		err = *signals < 0 ? *signals : bg_transient_begin(&store, &place, policy, out, error);
	}
	bg_store_close(&store);
	return err;
}

static int run(struct cli *cli, const struct bg_policy *policy, const struct user *user, char **command)
{
	struct bg_transient transient;
	struct bg_error error = { "" };
	bool own_session = user->actual && user->uid;
	int signals, status, err = begin(cli, policy, own_session, &transient, &signals, &error);
	pid_t child, self = getpid();

	if (err)
		return cli_print_error(cli, err, &error);
	if (getenv("NOTIFY_SOCKET"))
		cli_print_warning(
			cli,
			"systemd hears the command only if its unit says NotifyAccess=all: its main process is "
			"bindgate");
	child = fork();
	if (child == 0)
		execute(cli, self, &transient, user, command);
	status = child < 0 ? NOT_RUN << 8 : wait_for(child, own_session, signals);
	if (child < 0)
		fprintf(stderr, "bindgate: cannot start a process: %s\n", strerror(errno));
	close(signals);
	if (child > 0)
		warn_of_left(cli, &transient, WIFEXITED(status));
	err = bg_transient_end(cli->pin_dir, &transient, &error);
	if (err) /* the command's own end matters more; what is left, the next command takes away */
		cli_print_error(cli, err, &error);
	return end_as(status);
}

static int run_run(struct cli *cli, int argc, char **argv)
{
	struct bg_policy policy = { .owner = "run" };
	struct user user = { .actual = false };
	struct bg_error error = { "" };
	int option, status = DONE, before = 0;

	while (before < argc && strcmp(argv[before], "--"))
		before++;
	while (status == DONE && (option = cli_next_option(cli, before, argv)) != -1)
		status = option == OPTION_USER ? find_user(cli, optarg, &user)
					       : cli_take_policy_option(cli, option, &policy);
	if (status != DONE)
		return status;
	if (argc - before < 2)
		return cli_usage_error(cli, "a command is missing, behind -- (bindgate run 80/tcp -- server)");
	for (int i = optind; i < before; i++)
		if (bg_policy_add(&policy, argv[i], &error))
			return cli_print_error_as(cli, USAGE, &error);
	return run(cli, &policy, &user, argv + before + 1);
}

static const struct cli_option options[] = {
	{ .name = "user",
	  .value = "USER",
	  .help = "as this user (name or number), with no capability",
	  .id = OPTION_USER,
	  .words = CLI_USER },
	POLICY_OPTIONS,
	{ 0 },
};

const struct command cmd_run = {
	.name = "run",
	.summary = "a command in a gate of its own, gone when it ends",
	.notes = "Ends as the command ended; what it left running is killed. In a unit of Type=notify, say\n"
		 "NotifyAccess=all.\n\n"
		 "  bindgate run --user www-data 80/tcp -- python3 -m http.server 80\n"
		 "  bindgate run --user app --default deny 3000=80/tcp -- node server.js\n",
	.options = options,
	.arguments = (const struct cli_argument[]){ { .name = "RULE", .many = true },
						    { .name = "-- COMMAND", .words = CLI_PROGRAM, .many = true },
						    { 0 } },
	.run = run_run,
};
