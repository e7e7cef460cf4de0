// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/store.h"

#include "base/clock.h"
#include "gate/libbpf_log_internal.h"
#include "gate/pins_internal.h"
#include "gate/programs_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"

static unsigned int patience_ms = 60000;
static double waited_in_vain; /* bg_clock_seconds() then */

const char *bg_store_default_dir(void)
{
	const char *dir = getenv("BINDGATE_PIN_DIR");

	return dir && *dir ? dir : BPFFS "/bindgate";
}

/* What root is told besides where something other than rights is in its way: for containers, AppArmor's usual profile
 * forbids to write and to lock below /sys/fs. "": nothing. */
static const char *confinement(int code, char text[static 320])
{
	char profile[128] = "";
	FILE *file;

	*text = '\0';
	if ((code != -EACCES && code != -EPERM) || geteuid() != 0)
		return text;
	file = fopen("/proc/self/attr/current", "re");
	if (file && fgets(profile, sizeof(profile), file))
		profile[strcspn(profile, "\n")] = '\0';
	if (file)
		fclose(file);
	snprintf(text, 320,
		 "; AppArmor or SELinux may forbid it%s%s%s: run bindgate unconfined (in Kubernetes, appArmorProfile: "
		 "{type: Unconfined}; in SELinux, the type spc_t)",
		 *profile ? " to \"" : "", profile, *profile ? "\"" : "");
	return text;
}

/* Mounts only where it surely is not mounted yet: a second mount on top would hide every gate. */
int bg_store_mount(struct bg_error *error)
{
	struct statfs fs;
	char hint[320];

	if (statfs(BPFFS, &fs))
		return bg_error(error, -errno, "cannot look at " BPFFS ": %s", strerror(errno));
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC &&
	    mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		int err = -errno;

		return bg_error(error, err, "cannot mount the bpf file system at " BPFFS ": %s%s", strerror(-err),
				confinement(err, hint));
	}
	return 0;
}

static int make_dir(const char *dir, struct bg_error *error)
{
	int err = strncmp(dir, BPFFS "/", sizeof(BPFFS)) ? 0 : bg_store_mount(error);
	char hint[320];

	if (err || !mkdir(dir, 0700) || errno == EEXIST)
		return err;
	err = -errno;
	return bg_error(error, err, "cannot make the pin directory %s: %s%s", dir, strerror(-err),
			err == -EPERM && strchr(dir, '.') ? " (names in a bpf file system have no dots)"
							  : confinement(err, hint));
}

/* Anybody else who can write here could put their own programs in the place of ours. */
static int check_dir(const char *dir, int fd, struct bg_error *error)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return bg_error(error, -errno, "cannot look at the pin directory %s: %s", dir, strerror(errno));
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return bg_error(error, -EINVAL,
				"the pin directory %s is not in a bpf file system: choose one below " BPFFS, dir);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return bg_error(error, -EPERM,
				"the pin directory %s is open to other users: remove it, or chown it to root and "
				"chmod it to 0700",
				dir);
	return 0;
}

void bg_store_set_patience(unsigned int ms)
{
	patience_ms = ms;
}

/* flock has no timeout, and a stopped process may hold the lock for ever. */
static int lock(const char *dir, int fd, int how, struct bg_error *error)
{
	double began = bg_clock_seconds(), patience = patience_ms / 1000.0;
	double end = waited_in_vain > 0 && began < waited_in_vain + patience ? began : began + patience;
	char hint[320];

	for (int i = 0;; i++) {
		int err = flock(fd, how | LOCK_NB) ? -errno : 0;

		if (!err)
			return 0;
		if (err != -EWOULDBLOCK && err != -EINTR)
			return bg_error(error, err, "cannot lock %s: %s%s", dir, strerror(-err),
					confinement(err, hint));
		if (bg_clock_seconds() >= end)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = i < 100 ? 200000 : 5000000 }, NULL);
	}
	if (end > began)
		waited_in_vain = end;
	return bg_error(error, -EBUSY,
			"another bindgate has held the lock on %s for %u s: is one stopped? (fuser %s names it)",
			dir, patience_ms / 1000, dir);
}

/* The directory may have been removed while this process waited for its lock. */
static bool still_there(const char *dir, int fd)
{
	struct stat now, locked;

	return !stat(dir, &now) && !fstat(fd, &locked) && now.st_ino == locked.st_ino &&
	       now.st_dev == locked.st_dev;
}

/* Returns the locked directory's fd; -ENOENT where there is none and it is not to be made. */
static int open_locked(const char *dir, enum bg_store_access access, struct bg_error *error)
{
	for (;;) {
		bool makes = access == BG_STORE_WRITE || access == BG_STORE_KEEP;
		int err = makes ? make_dir(dir, error) : 0, fd;

		if (err)
			return err;
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT && makes)
			continue;
		if (fd < 0)
			return bg_error(error, -errno, "cannot open the pin directory %s: %s", dir, strerror(errno));
		err = check_dir(dir, fd, error);
		if (!err)
			err = lock(dir, fd, access == BG_STORE_READ ? LOCK_SH : LOCK_EX, error);
		if (!err && still_there(dir, fd))
			return fd;
		close(fd);
		if (err)
			return err;
	}
}

int bg_store_open(const char *dir, enum bg_store_access access, struct bg_store *out, struct bg_error *error)
{
	struct bg_store store = { .writable = access != BG_STORE_READ };
	size_t length = strlen(dir);
	int err;

	if (geteuid() != 0)
		return bg_error(error, -EPERM, "must be run as root (try sudo)");
	while (length > 1 && dir[length - 1] == '/')
		length--;
	if (length >= sizeof(store.dir) || dir[0] != '/')
		return bg_error(error, -EINVAL,
				"the pin directory must be an absolute path shorter than %zu characters",
				sizeof(store.dir));
	memcpy(store.dir, dir, length);
	bg_libbpf_log(NULL);
	bg_programs_forget(&store);
	store.dir_fd = open_locked(store.dir, access, error);
	if (store.dir_fd == -ENOENT && (access == BG_STORE_READ || access == BG_STORE_EDIT))
		store.dir_fd = -1;
	else if (store.dir_fd < 0)
		return store.dir_fd;
	err = store.dir_fd >= 0 ? bg_programs_open(&store, error) : 0;
	if (err)
		close(store.dir_fd);
	else
		*out = store;
	return err;
}

void bg_store_close(struct bg_store *store)
{
	if (store->before_close)
		store->before_close(store);
	bg_programs_close(store);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	store->dir_fd = -1;
}

static int is_unlocked(const char *name, void *arg)
{
	char path[PIN_PATH_MAX];
	int fd = open(bg_pin_path(path, arg, "%s", name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) ? -EBUSY : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int remove_lock(const char *name, void *arg)
{
	char path[PIN_PATH_MAX];

	return rmdir(bg_pin_path(path, arg, "%s", name)) ? -errno : 0;
}

/* Removes the empty directories below `path`, then `path` itself. -EBUSY: one of them is locked. */
static int remove_locks(const char *path)
{
	int err = bg_pin_each(path, is_unlocked, (void *)path);

	if (!err)
		err = bg_pin_each(path, remove_lock, (void *)path);
	return err ? err : rmdir(path) && errno != ENOENT ? -errno : 0;
}

int bg_store_remove(struct bg_store *store, struct bg_error *error)
{
	char gates[PIN_PATH_MAX], watchers[PIN_PATH_MAX], runs[PIN_PATH_MAX];
	int err;

	bg_pin_path(gates, store->dir, "gates");
	if (rmdir(gates) && errno != ENOENT)
		return errno == ENOTEMPTY
			       ? bg_error(
					 error, -EBUSY,
					 "%s is not empty: detach its gates, or take out by hand what bindgate did not make",
					 gates)
			       : bg_error(error, -errno, "cannot remove %s: %s", gates, strerror(errno));
	err = remove_locks(bg_pin_path(watchers, store->dir, "watchers"));
	if (!err)
		err = remove_locks(bg_pin_path(runs, store->dir, "runs"));
	if (err == -EBUSY)
		return bg_error(error, err,
				"%s is still in use, by bindgated, bindgate watch or run: end that first",
				store->dir);
	if (err)
		return bg_error(error, err, "cannot clear %s: %s", store->dir, strerror(-err));
	err = bg_programs_remove(store, error);
	if (err)
		return err;
	if (rmdir(store->dir) && errno != ENOENT)
		return bg_error(error, -errno, "cannot remove %s: %s", store->dir,
				errno == ENOTEMPTY ? "it holds something that bindgate did not make"
						   : strerror(errno));
	return 0;
}
