// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A cgroup is a descriptor, not a path: whose it is, and what becomes of it. */
#include "cgroup/owner.h"
#include "cgroup/removal.h"

#include "cgroup/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char tree[PATH_MAX / 2]; /* this run's own */
static struct bg_error error;

static const char *below(char path[static PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s%s", tree, name);
	return path;
}

static void find(const char *name, struct bg_cgroup *out)
{
	char path[PATH_MAX];

	assert_int_equal(bg_cgroup_find(below(path, name), out, &error), 0);
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

	assert_int_equal(rmdir(below(path, name)), 0);
}

static int setup(void **state)
{
	const char *mount;

	(void)state;
	if (bg_cgroup_mount(&mount, &error))
		fail_msg("%s", error.text);
	snprintf(tree, sizeof(tree), "%s/bindgate-test-owner-%d", mount, getpid());
	make("");
	return 0;
}

static int teardown(void **state)
{
	struct bg_cgroup all;
	int dir;

	(void)state;
	find("", &all);
	dir = bg_cgroup_open(&all, &error);
	bg_cgroup_kill(dir);
	bg_cgroup_await_empty(dir, 60000);
	assert_int_equal(bg_cgroup_remove(dir), 0);
	close(dir);
	return 0;
}

/* What is done to a cgroup is done to the one that was found. */
static void opens_what_was_found(void **state)
{
	struct bg_cgroup cgroup;
	struct stat st;
	int dir;

	(void)state;
	make("/swapped");
	find("/swapped", &cgroup);
	dir = bg_cgroup_open(&cgroup, &error);
	assert_true(dir >= 0);
	assert_int_equal(fstat(dir, &st), 0);
	assert_true(st.st_ino == cgroup.id);
	assert_int_equal(rmdir(cgroup.path), 0);
	make("/swapped");
	assert_int_equal(bg_cgroup_open(&cgroup, &error), -ESTALE);
	assert_non_null(strstr(error.text, "/swapped has been removed meanwhile"));
	assert_int_equal(bg_cgroup_kill(dir), 0);
	assert_int_equal(bg_cgroup_await_empty(dir, 0), 0);
	assert_int_equal(bg_cgroup_remove(dir), 0);
	assert_int_equal(stat(cgroup.path, &st), 0); /* the other one stays */
	close(dir);
	unmake("/swapped");
}

/* Deeper than there are descriptors; a process in there keeps it, and is killed. */
static void removes_a_tree(void **state)
{
	struct rlimit before, few;
	struct bg_cgroup cgroup;
	char path[PATH_MAX];
	int dir, fd, status;
	size_t length;
	pid_t child;

	(void)state;
	make("/deep");
	find("/deep", &cgroup);
	dir = bg_cgroup_open(&cgroup, &error);
	length = (size_t)snprintf(path, sizeof(path), "%s", cgroup.path);
	for (int i = 0; i < 40; i++) {
		strcpy(path + length, "/w");
		assert_int_equal(mkdir(path, 0755), 0);
		strcpy(path + length, "/d");
		length += 2;
		assert_int_equal(mkdir(path, 0755), 0);
	}
	strcpy(path + length, "/cgroup.procs");
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	fd = open(path, O_WRONLY);
	assert_true(dprintf(fd, "%d", child) > 0);
	close(fd);
	assert_int_equal(bg_cgroup_await_empty(dir, 0), -ETIMEDOUT);
	assert_int_equal(bg_cgroup_remove(dir), -EBUSY);
	assert_int_equal(bg_cgroup_kill(dir), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(bg_cgroup_await_empty(dir, 60000), 0);
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){ .rlim_cur = (rlim_t)dir + 8, .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(bg_cgroup_remove(dir), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_false(bg_cgroup_exists(cgroup.id));
	assert_int_equal(bg_cgroup_remove(dir), 0);
	close(dir);
}

/* The outermost that another has in hand counts: what is root's own within it can be taken away whole. */
static void of_root(void **state)
{
	struct bg_cgroup all, inner, found;
	char path[PATH_MAX];

	(void)state;
	find("", &all);
	make("/user");
	make("/user/own");
	assert_int_equal(chown(below(path, "/user"), 1, 1), 0);
	find("/user/own", &inner);
	assert_int_equal(bg_cgroup_of_root(&inner, &found, &error), 0);
	assert_true(found.id == all.id);
	make("/app");
	make("/app/web");
	find("/app/web", &inner);
	assert_int_equal(bg_cgroup_of_root(&inner, &found, &error), 0);
	assert_true(found.id == inner.id);
	assert_int_equal(chmod(below(path, "/app/cgroup.procs"), 0666), 0);
	assert_int_equal(bg_cgroup_of_root(&inner, &found, &error), 0);
	assert_true(found.id == all.id);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(below(path, "/app"), 0775) | chown(path, 0, 5), 0);
	assert_int_equal(bg_cgroup_of_root(&inner, &found, &error), 0);
	assert_true(found.id == all.id);
	assert_int_equal(chown(path, 0, 0) | chmod(path, 0755), 0);
	unmake("/user/own");
	unmake("/user");
	unmake("/app/web");
	unmake("/app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_was_found),
		cmocka_unit_test(removes_a_tree),
		cmocka_unit_test(of_root),
	};

	return cmocka_run_group_tests_name("owner", tests, setup, teardown);
}
