// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "program.h"

#include "cgroup/cgroup.h"
#include "fuzz.h"
#include "cgroup/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64

static int arguments_count;
static char *arguments[ARGUMENTS_MAX + 1];
static jmp_buf ended;
static bool running;
static int input = -1;        /* what is standard input */
static unsigned int first_fd; /* of those that a run leaves open */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);

/* All of this program's own calls of exit end here. */
_Noreturn void __wrap_exit(int status)
{
	if (running)
		longjmp(ended, 0x100 | (status & 0xff));
	__real_exit(status);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* They are not to be had rather than deadly: a command says what it could not do. */
static void forbid_changes(void)
{
	static const int never[] = {
		SCMP_SYS(bpf),
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(kill),
		SCMP_SYS(pidfd_send_signal),
		SCMP_SYS(mount),
		SCMP_SYS(umount2),
		SCMP_SYS(move_mount),
		SCMP_SYS(fsopen),
		SCMP_SYS(open_tree),
		SCMP_SYS(pivot_root),
		SCMP_SYS(chroot),
		SCMP_SYS(unshare),
		SCMP_SYS(mkdir),
		SCMP_SYS(mkdirat),
		SCMP_SYS(rmdir),
		SCMP_SYS(unlink),
		SCMP_SYS(unlinkat),
		SCMP_SYS(rename),
		SCMP_SYS(renameat),
		SCMP_SYS(renameat2),
		SCMP_SYS(link),
		SCMP_SYS(linkat),
		SCMP_SYS(symlink),
		SCMP_SYS(symlinkat),
		SCMP_SYS(mknod),
		SCMP_SYS(mknodat),
		SCMP_SYS(chmod),
		SCMP_SYS(fchmod),
		SCMP_SYS(fchmodat),
		SCMP_SYS(chown),
		SCMP_SYS(fchown),
		SCMP_SYS(lchown),
		SCMP_SYS(fchownat),
		SCMP_SYS(truncate),
		SCMP_SYS(setxattr),
		SCMP_SYS(lsetxattr),
		SCMP_SYS(fsetxattr),
		SCMP_SYS(utimensat),
		SCMP_SYS(creat),
		SCMP_SYS(openat2),
		SCMP_SYS(sethostname),
		SCMP_SYS(settimeofday),
		SCMP_SYS(clock_settime),
		SCMP_SYS(reboot),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(swapon),
		SCMP_SYS(swapoff),
		SCMP_SYS(syslog),
		SCMP_SYS(quotactl),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(keyctl),
		SCMP_SYS(add_key),
	};
	/* what libFuzzer writes, it opens with O_WRONLY | O_CREAT | O_TRUNC alone; bindgate never without O_CLOEXEC */
	static const struct {
		scmp_datum_t mask, flags;
	} writes[] = {
		{ O_ACCMODE, O_RDWR },
		{ O_ACCMODE | O_TRUNC, O_WRONLY },
		{ O_ACCMODE | O_CREAT, O_WRONLY },
		{ O_ACCMODE | O_CLOEXEC, O_WRONLY | O_CLOEXEC },
		{ O_ACCMODE | O_CREAT, O_RDONLY | O_CREAT },
		{ O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC },
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool failed = !filter;

	for (size_t i = 0; i < sizeof(never) / sizeof(*never) && !failed; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), never[i], 0) != 0;
	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes) && !failed; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 1,
					  SCMP_A2(SCMP_CMP_MASKED_EQ, writes[i].mask, writes[i].flags)) ||
			 seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(open), 1,
					  SCMP_A1(SCMP_CMP_MASKED_EQ, writes[i].mask, writes[i].flags));
	if (failed || seccomp_load(filter)) {
		perror("cannot forbid this process to change anything");
		abort();
	}
	seccomp_release(filter);
}

static void prepare(void)
{
	const char *mount;

	if (input >= 0)
		return;
	setenv("BINDGATE_PIN_DIR", "/sys/fs/bpf/bindgate-fuzz", 1); /* which is not there */
	bg_cgroup_mount(&mount, NULL);                              /* keeps its descriptor */
	input = memfd_create("input", MFD_CLOEXEC);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0)
		abort();
	first_fd = (unsigned int)dup(input);
	forbid_changes();
}

static void set_arguments(const char *name, const uint8_t *bytes, size_t size)
{
	static char text[1 << 16];
	char *at = text, *end = text + (size < sizeof(text) - 1 ? size : sizeof(text) - 1);

	memcpy(text, bytes, (size_t)(end - text));
	*end = '\0';
	arguments_count = 1;
	arguments[0] = (char *)name;
	for (; at < end && arguments_count < ARGUMENTS_MAX && strcmp(at, "<"); at += strlen(at) + 1)
		arguments[arguments_count++] = at;
	arguments[arguments_count] = NULL;
	at += at < end && !strcmp(at, "<") ? 2 : 0;
	if (ftruncate(input, 0) || (at < end && pwrite(input, at, (size_t)(end - at), 0) != end - at))
		abort();
	lseek(STDIN_FILENO, 0, SEEK_SET);
	__fpurge(stdin);
	clearerr(stdin);
}

void program_run(struct program *program, const char *name, const uint8_t *bytes, size_t size)
{
	FILE *out = stdout, *err = stderr;
	size_t out_size, err_size;
	sigset_t signals;
	volatile int status;
	int jumped;

	prepare();
	set_arguments(name, bytes, size);
	sigprocmask(SIG_SETMASK, NULL, &signals);
	stdout = open_memstream(&program->out, &out_size);
	stderr = open_memstream(&program->err, &err_size);
	if (!stdout || !stderr)
		abort();
	optind = 0; /* glibc's getopt begins anew */
	running = true;
	jumped = setjmp(ended);
	status = jumped ? jumped & 0xff : program->main(arguments_count, arguments);
	running = false;
	fclose(stdout);
	fclose(stderr);
	stdout = out;
	stderr = err;
	sigprocmask(SIG_SETMASK, &signals, NULL);
	close_range(first_fd, ~0U, 0);
	program->status = status;
	HOLDS(strlen(program->out) == out_size && strlen(program->err) == err_size);
}

void program_forget(struct program *program)
{
	free(program->out);
	free(program->err);
}

bool program_has_argument(const char *argument)
{
	for (int i = 1; i < arguments_count; i++)
		if (!strcmp(arguments[i], argument))
			return true;
	return false;
}

static bool is_printable(const char *line, size_t length)
{
	json_t *text = json_stringn(line, length); /* NULL: not UTF-8 */
	bool printable = text != NULL;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)line[i], next = (unsigned char)line[i + 1];

		printable = printable && c >= ' ' && c != 0x7f && !(c == 0xc2 && next >= 0x80 && next < 0xa0);
	}
	json_decref(text);
	return printable;
}

unsigned int program_lines(const char *text)
{
	unsigned int count = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		HOLDS(text[length] && is_printable(text, length));
		text += length + 1;
		count++;
	}
	return count;
}
