// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cgroup/cgroup.h"
#include "cgroup/owner.h"
#include "cgroup/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TREE "bindgate-test-cgroup"

static const char *mount_path;
static struct bg_error error;

static const char *below(char path[static PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/" TREE "%s", mount_path, name);
	return path;
}

static void make(const char *name)
{
	char path[PATH_MAX];

	if (mkdir(below(path, name), 0755) && errno != EEXIST)
		fail_msg("mkdir %s: %s", path, strerror(errno));
}

static void unmake(const char *name)
{
	char path[PATH_MAX];

	for (int tries = 0; rmdir(below(path, name)) && errno == EBUSY && tries < 200; tries++)
		usleep(5000);
}

static const char *const names[] = {
	"",
	"/app",
	"/app/web",
	"/sp ace",
	"/bgtest.service",
	"/_cgroup.bgtest.service",
	"/a.slice",
	"/b.slice",
	"/a.slice/bgtwin.service",
	"/b.slice/bgtwin.service",
	"/user@1.service",
	"/user@1.service/bgforged.service",
	"/box.scope",
	"/box.scope/bgboxed.service",
	"/gone",
};

static int setup(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (bg_cgroup_mount(&mount_path, &error))
		fail_msg("%s", error.text);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		make(names[i]);
	assert_int_equal(chown(below(path, "/user@1.service"), 1, 1), 0);
	assert_int_equal(setxattr(below(path, "/box.scope"), "trusted.delegate", "1", 1, 0), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = sizeof(names) / sizeof(*names); i-- > 0;)
		unmake(names[i]);
	return 0;
}

static void finds(const char *text, const char *name)
{
	struct bg_cgroup cgroup;
	char path[PATH_MAX], expected[PATH_MAX];
	struct stat st;

	error.text[0] = '\0';
	if (bg_cgroup_find(text, &cgroup, &error))
		fail_msg("%s: %s", text, error.text);
	assert_string_equal(cgroup.path, below(path, name));
	snprintf(expected, sizeof(expected), "/" TREE "%s", name);
	assert_string_equal(cgroup.name, expected);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(cgroup.id, st.st_ino);
}

/* The error's text must be this, whole. */
__attribute__((format(printf, 3, 4))) static void refuses(const char *text, int code, const char *format, ...)
{
	char expected[2 * PATH_MAX];
	struct bg_cgroup cgroup, untouched;
	va_list args;

	memset(&cgroup, 0x5a, sizeof(cgroup));
	untouched = cgroup;
	error.text[0] = '\0';
	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	assert_int_equal(bg_cgroup_find(text, &cgroup, &error), code);
	assert_string_equal(error.text, expected);
	assert_memory_equal(&cgroup, &untouched, sizeof(cgroup));
}

static void test_paths(void **state)
{
	char path[PATH_MAX], here[PATH_MAX];
	struct bg_cgroup root;

	(void)state;
	finds(below(path, "/app"), "/app");
	finds(TREE "/app", "/app");
	finds(TREE "/app/", "/app");
	finds(TREE "/app/../app/web", "/app/web");
	finds("/" TREE "/app", "/app"); /* as `list` prints it */
	assert_int_equal(bg_cgroup_find("/", &root, NULL), 0);
	assert_string_equal(root.path, mount_path);
	finds(TREE "/sp ace", "/sp ace");
	assert_int_equal(bg_cgroup_find(mount_path, &root, &error), 0);
	assert_string_equal(root.name, "/");
	assert_string_equal(root.path, mount_path);

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(below(path, "/app")), 0);
	finds(".", "/app");
	finds("./web", "/app/web");
	finds("..", "");
	assert_int_equal(chdir(here), 0);
}

static void test_links_are_followed(void **state)
{
	char dir[] = "/tmp/bindgate-test-XXXXXX", link[64], path[PATH_MAX];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(below(path, "/app"), link), 0);
	finds(link, "/app");
	unlink(link);
	rmdir(dir);
}

static void test_bad_paths(void **state)
{
	char path[PATH_MAX], *text = calloc(1, 70001);

	(void)state;
	refuses("", -EINVAL, "the name of the cgroup is empty");
	below(path, "/none");
	refuses(path, -ENOENT, "no such cgroup: %s (mkdir makes one)", path);
	refuses(TREE "/none", -ENOENT, "no such cgroup: %s (mkdir makes one)", path);
	refuses("/no/such/thing", -ENOENT, "no such cgroup: /no/such/thing (cgroup v2 is mounted at %s)",
		mount_path);
	refuses("/proc", -EINVAL, "/proc is not in cgroup v2, which is mounted at %s", mount_path);
	refuses("/etc/passwd", -EINVAL, "/etc/passwd is not a directory, let alone one of cgroup v2");
	below(path, "/app");
	refuses(TREE "/app/cgroup.procs", -EINVAL, "%s/cgroup.procs is a file: name the cgroup's directory, %s",
		path, path);
	assert_non_null(text);
	for (size_t length = PATH_MAX - strlen(mount_path) - 1; length <= 70000;
	     length += length < PATH_MAX + 20 ? 1 : 30000) {
		struct bg_cgroup cgroup;
		int err;

		memset(text, 'a', length);
		text[length] = '\0';
		err = bg_cgroup_find(text, &cgroup, &error);
		assert_int_equal(err, -ENAMETOOLONG);
	}
	free(text);
}

/* What is meant on a hybrid host by a path of a pure one, and the other way round. */
static void test_meant(void **state)
{
	char path[PATH_MAX];

	(void)state;
	below(path, "/app");
	if (strcmp(mount_path, "/sys/fs/cgroup")) {
		refuses("/sys/fs/cgroup/" TREE "/app", -ENOENT,
			"no such cgroup: /sys/fs/cgroup/" TREE "/app: did you mean %s?", path);
		refuses("/sys/fs/cgroup", -EINVAL, "/sys/fs/cgroup is not a cgroup v2 directory: did you mean %s?",
			mount_path);
	} else {
		refuses("/sys/fs/cgroup/unified/" TREE "/app", -ENOENT,
			"no such cgroup: /sys/fs/cgroup/unified/" TREE "/app: did you mean %s?", path);
	}
}

static void test_meant_in_v1(void **state)
{
	static const char v1[] = "/sys/fs/cgroup/memory/" TREE, other[] = "/sys/fs/cgroup/memory/" TREE "-other";
	char path[PATH_MAX];

	(void)state;
	mkdir(v1, 0755);
	mkdir(other, 0755);
	refuses(v1, -EINVAL, "%s is a cgroup v1 directory; bindgate needs cgroup v2: did you mean %s?", v1,
		below(path, ""));
	refuses(other, -EINVAL, "%s is a cgroup v1 directory; bindgate needs cgroup v2, which is mounted at %s",
		other, mount_path);
	rmdir(v1);
	rmdir(other);
}

static pid_t start_in(const char *name)
{
	char path[PATH_MAX], line[32];
	pid_t child = fork();
	int fd, length;

	if (child == 0) {
		for (;;)
			pause();
	}
	assert_true(child > 0);
	snprintf(path + strlen(below(path, name)), 32, "/cgroup.procs");
	length = snprintf(line, sizeof(line), "%d", child);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, line, (size_t)length), length);
	close(fd);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_processes(void **state)
{
	struct bg_cgroup self, mine;
	pid_t child = start_in("/app/web");
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "pid:%d", child);
	finds(text, "/app/web");
	end(child);
	refuses(text, -ENOENT, "there is no process %d", child);
	snprintf(text, sizeof(text), "pid:%d", getpid());
	assert_int_equal(bg_cgroup_find("self", &self, &error), 0);
	assert_int_equal(bg_cgroup_find(text, &mine, &error), 0);
	assert_int_equal(self.id, mine.id);
	for (size_t i = 0; i < 8; i++) {
		static const char *const bad[] = {
			"", "0", "-1", "x", "12x", "4194305", "99999999999999999999", "1/../2"
		};

		snprintf(text, sizeof(text), "pid:%s", bad[i]);
		refuses(text, -EINVAL, "%s names no process: a pid is a number from 1 to 4194304", text);
	}
}

/* Only a zombie can be in a removed cgroup. */
static void test_process_in_removed_cgroup(void **state)
{
	pid_t child = start_in("/gone");
	char text[32], path[PATH_MAX];
	siginfo_t info;

	(void)state;
	snprintf(text, sizeof(text), "pid:%d", child);
	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	unmake("/gone");
	assert_int_equal(access(below(path, "/gone"), F_OK), -1);
	refuses(text, -ENOENT, "process %d is in a cgroup that has been removed, /" TREE "/gone (deleted)", child);
	waitpid(child, NULL, 0);
}

static void test_units(void **state)
{
	char first[PATH_MAX], second[PATH_MAX], text[512];

	(void)state;
	finds("unit:bgtest", "/bgtest.service");
	finds("unit:bgtest.service", "/bgtest.service");
	finds("unit:cgroup.bgtest", "/_cgroup.bgtest.service");
	finds("unit:a.slice", "/a.slice");
	finds("unit:user@1", "/user@1.service");
	refuses("unit:bgnone", -ENOENT,
		"no cgroup of a unit bgnone.service below %s: is it running? (units of users and of "
		"containers are found by their path only)",
		mount_path);
	refuses("unit:", -EINVAL, "unit: names no unit: write it as systemctl does, as in unit:nginx");
	refuses("unit:a/b", -EINVAL, "unit:a/b names no unit: write it as systemctl does, as in unit:nginx");

	assert_int_equal(bg_cgroup_find("unit:bgtwin", &(struct bg_cgroup){ .id = 0 }, &error), -EINVAL);
	assert_non_null(strstr(error.text, below(first, "/a.slice/bgtwin.service")));
	assert_non_null(strstr(error.text, below(second, "/b.slice/bgtwin.service")));

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "unit:", 5);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(bg_cgroup_find(text, &(struct bg_cgroup){ .id = 0 }, &error), -ENAMETOOLONG);
}

/* Who was given a cgroup must not pass one of their own off as a unit of the machine. */
static void test_forged_units(void **state)
{
	(void)state;
	assert_int_equal(bg_cgroup_find("unit:bgforged", &(struct bg_cgroup){ .id = 0 }, &error), -ENOENT);
	assert_int_equal(bg_cgroup_find("unit:bgboxed", &(struct bg_cgroup){ .id = 0 }, &error), -ENOENT);
}

static void test_ids(void **state)
{
	struct bg_cgroup cgroup, again, removed;
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(bg_cgroup_find(TREE "/app/web", &cgroup, &error), 0);
	assert_int_equal(bg_cgroup_from_id(cgroup.id, &again, &error), 0);
	assert_memory_equal(&cgroup, &again, sizeof(cgroup));
	assert_true(bg_cgroup_exists(cgroup.id));

	make("/removed");
	assert_int_equal(bg_cgroup_find(TREE "/removed", &removed, &error), 0);
	unmake("/removed");
	assert_false(bg_cgroup_exists(removed.id));
	assert_int_equal(bg_cgroup_from_id(removed.id, &again, &error), -ESTALE);
	assert_int_equal(bg_cgroup_from_id(0, &again, &error), -ESTALE);
	assert_int_equal(bg_cgroup_from_id(UINT64_MAX, &again, &error), -ESTALE);

	snprintf(path + strlen(below(path, "/app")), 32, "/cgroup.procs");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(bg_cgroup_from_id(st.st_ino, &again, &error), -ESTALE);
	assert_false(bg_cgroup_exists(st.st_ino));
}

static void test_open_to_others(void **state)
{
	char path[PATH_MAX + 16];
	struct bg_cgroup cgroup;
	bool is_group;
	__u32 id = 0;

	(void)state;
	assert_int_equal(bg_cgroup_find(TREE "/app", &cgroup, &error), 0);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup.path);
	assert_false(bg_cgroup_open_to_others(&cgroup, &id, &is_group));
	assert_int_equal(chown(path, 1234, 0), 0);
	assert_true(bg_cgroup_open_to_others(&cgroup, &id, &is_group));
	assert_int_equal(id, 1234);
	assert_false(is_group);
	assert_int_equal(chown(path, 0, 4321) | chmod(path, 0664), 0);
	assert_true(bg_cgroup_open_to_others(&cgroup, &id, &is_group));
	assert_int_equal(id, 4321);
	assert_true(is_group);
	assert_int_equal(chmod(path, 0666), 0);
	assert_true(bg_cgroup_open_to_others(&cgroup, &id, &is_group));
	assert_int_equal(id, (__u32)-1);
	assert_int_equal(chown(path, 0, 0) | chmod(path, 0644), 0);
	assert_false(bg_cgroup_open_to_others(&cgroup, &id, &is_group));
}

/* Runs `check` in a child with a mount namespace of its own. */
static void apart(int flags, int (*check)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(unshare(flags) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ? 100 : check());
	assert_true(child > 0);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static int outside(void)
{
	struct bg_cgroup cgroup;
	char text[32];

	snprintf(text, sizeof(text), "pid:%d", getppid());
	if (bg_cgroup_find(text, &cgroup, &error) != -ENOENT ||
	    !strstr(error.text, "outside of this cgroup namespace"))
		return 1;
	return bg_cgroup_find("self", &cgroup, &error) ? 2 : 0;
}

static int enter_and_look(void)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path + strlen(below(path, "/app")), 32, "/cgroup.procs");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return 10;
	close(fd);
	return unshare(CLONE_NEWCGROUP) ? 11 : outside();
}

static void test_cgroup_namespace(void **state)
{
	(void)state;
	apart(CLONE_NEWNS, enter_and_look);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_links_are_followed),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_meant),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_process_in_removed_cgroup),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_forged_units),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_open_to_others),
		cmocka_unit_test(test_cgroup_namespace),
		cmocka_unit_test(test_meant_in_v1), /* last: left out where the host has no cgroup v1 */
	};
	size_t count = sizeof(tests) / sizeof(*tests) - !!access("/sys/fs/cgroup/memory/cgroup.procs", F_OK);

	return _cmocka_run_group_tests("cgroup", tests, count, setup, teardown);
}

/* As the machine is, then with cgroup v2 alone, where what lies beneath is still listed as mounted. */
int main(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(run_all());
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		return 1;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL)) {
		perror("cannot mount cgroup2 for a second round");
		return 1;
	}
	return run_all();
}
