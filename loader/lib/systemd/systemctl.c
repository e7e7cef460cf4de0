// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "systemd/systemctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16

bool bg_systemd_runs(void)
{
	struct stat st;

	return !lstat("/run/systemd/system", &st) && S_ISDIR(st.st_mode); /* as sd_booted(3) */
}

static char *read_back(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size < 0 ? NULL : malloc((size_t)size + 1);
	ssize_t got;

	if (!text)
		return NULL;
	got = pread(fd, text, (size_t)size, 0);
	text[got < 0 ? 0 : got] = '\0';
	return text;
}

/* Starts the first systemctl that is there; a positive errno. */
static int start(char *const *argv, int out, int err, pid_t *pid)
{
	static const char *const places[] = { "/usr/bin/systemctl", "/bin/systemctl",
					      "/run/current-system/sw/bin/systemctl" };
	static char *const environment[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C",
					     (char *)"SYSTEMD_COLORS=0", (char *)"SYSTEMD_PAGER=", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, piped;
	int failed;

	sigemptyset(&none);
	sigemptyset(&piped);
	sigaddset(&piped, SIGPIPE);
	failed = posix_spawn_file_actions_init(&files);
	if (failed)
		return failed;
	failed = posix_spawnattr_init(&attributes);
	if (failed) {
		posix_spawn_file_actions_destroy(&files);
		return failed;
	}
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &piped);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	failed = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	failed = failed ? failed : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	failed = failed ? failed : posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
	for (size_t i = 0, once = !failed; once && i < sizeof(places) / sizeof(*places); i++) {
		failed = posix_spawn(pid, places[i], &files, &attributes, argv, environment);
		once = failed == ENOENT;
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return failed;
}

static void keep_first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

static int finish(pid_t pid, int err, const char *word, struct bg_error *error)
{
	int status;
	char *said;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return bg_error(error, -errno, "cannot wait for systemctl: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	said = read_back(err);
	if (said)
		keep_first_line(said);
	bg_error(error, -EIO, "systemctl %s: %.700s", word, said && *said ? said : "it failed, and did not say why");
	free(said);
	return -EIO;
}

int bg_systemctl(const char *const *words, char **out, struct bg_error *error)
{
	const char *argv[WORDS_MAX + 2] = { "systemctl" };
	int printed = memfd_create("systemctl", MFD_CLOEXEC), said = memfd_create("systemctl", MFD_CLOEXEC), err;
	pid_t pid = 0;

	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		argv[i + 1] = words[i];
	err = printed < 0 || said < 0 ? -errno : -start((char *const *)argv, printed, said, &pid);
	if (err)
		bg_error(error, err, "cannot run systemctl: %s", strerror(-err));
	else
		err = finish(pid, said, words[0], error);
	if (!err && out) {
		*out = read_back(printed);
		err = *out ? 0 : bg_error(error, -ENOMEM, "out of memory");
	}
	if (printed >= 0)
		close(printed);
	if (said >= 0)
		close(said);
	return err;
}
