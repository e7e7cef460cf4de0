// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/watch_internal.h"

#include "base/clock.h"
#include "gate/pins_internal.h"
#include "gate/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING_BYTES (2 << 20) /* some 13,000 events */
#define TURN_S 0.002
#define TURN_IS_OVER (-0x7fff) /* no errno */

/* Opens and locks a slot's directory. -EWOULDBLOCK: its watcher lives. */
static int lock_slot(const char *dir, int slot)
{
	char path[PIN_PATH_MAX];

	return bg_pin_lock(bg_pin_path(path, dir, "watchers/%d", slot));
}

static struct bg_watching *map_shared(const struct bg_store *store)
{
	void *shared =
		mmap(NULL, sizeof(struct bg_watching), PROT_READ | PROT_WRITE, MAP_SHARED, store->watching, 0);

	return shared == MAP_FAILED ? NULL : shared;
}

static void free_slot(struct bg_watching *shared, int rings, int slot)
{
	__atomic_and_fetch(&shared->slots, ~(1ULL << slot), __ATOMIC_SEQ_CST);
	bpf_map_delete_elem(rings, &slot);
}

void bg_watch_sweep(const struct bg_store *store)
{
	struct bg_watching now, *shared;
	const __u32 first = 0;

	if (store->watching < 0 || store->rings < 0 || bpf_map_lookup_elem(store->watching, &first, &now) ||
	    !now.slots)
		return;
	shared = map_shared(store);
	for (int slot = 0; shared && slot < BG_WATCHERS_MAX; slot++) {
		int lock = now.slots & (1ULL << slot) ? lock_slot(store->dir, slot) : -1;

		if (lock < 0)
			continue;
		free_slot(shared, store->rings, slot);
		close(lock);
	}
	if (shared)
		munmap(shared, sizeof(*shared));
}

static int take_slot(struct bg_watcher *watcher, struct bg_error *error)
{
	for (watcher->slot = 0; watcher->slot < BG_WATCHERS_MAX; watcher->slot++) {
		watcher->lock = lock_slot(watcher->dir, watcher->slot);
		if (watcher->lock >= 0)
			return 0;
		if (watcher->lock != -EWOULDBLOCK)
			return bg_error(error, watcher->lock, "cannot make %s/watchers/%d: %s", watcher->dir,
					watcher->slot, strerror(-watcher->lock));
	}
	return bg_error(error, -EBUSY,
			"%d watchers are at work already, the most that there can be: end one of them",
			BG_WATCHERS_MAX);
}

/* libbpf goes on while there are events, and may not come back while there is a flood of them: what is negative ends it. */
static int handle(void *arg, void *data, size_t size)
{
	struct bg_watcher *watcher = arg;
	int err = size < sizeof(struct bg_event) ? 0 : watcher->each(data, watcher->arg);
	double now = bg_clock_seconds();

	if (!watcher->handled++)
		watcher->turn_ends = now + TURN_S;
	return err < 0 ? err : now >= watcher->turn_ends ? TURN_IS_OVER : 0;
}

static int take_ring(struct bg_watcher *watcher, struct bg_error *error)
{
	watcher->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "bindgate_watch", 0, 0, RING_BYTES, NULL);
	if (watcher->ring_fd < 0)
		return bg_error(error, -errno, "cannot make a ring buffer: %s", strerror(errno));
	watcher->ring = ring_buffer__new(watcher->ring_fd, handle, watcher, NULL);
	if (!watcher->ring)
		return bg_error(error, -errno, "cannot read a ring buffer: %s", strerror(errno));
	if (bpf_map_update_elem(watcher->rings, &watcher->slot, &watcher->ring_fd, BPF_ANY))
		return bg_error(error, -errno, "cannot give the ring buffer to the programs: %s", strerror(errno));
	return 0;
}

static int begin(struct bg_watcher *watcher, struct bg_store *store, struct bg_error *error)
{
	int err = bg_programs_load(store, error);

	if (!err)
		err = take_slot(watcher, error);
	if (err)
		return err;
	watcher->rings = fcntl(store->rings, F_DUPFD_CLOEXEC, 0);
	watcher->shared = map_shared(store);
	if (watcher->rings < 0 || !watcher->shared)
		return bg_error(error, -errno, "cannot share memory with the programs: %s", strerror(errno));
	err = take_ring(watcher, error);
	if (err)
		return err;
	watcher->lost = __atomic_load_n(&watcher->shared->lost[watcher->slot], __ATOMIC_RELAXED);
	__atomic_or_fetch(&watcher->shared->slots, 1ULL << watcher->slot, __ATOMIC_SEQ_CST);
	return 0;
}

int bg_watch_begin(struct bg_watcher *watcher, struct bg_store *store, bg_watch_fn each, void *arg,
		   struct bg_error *error)
{
	int err;

	*watcher = (struct bg_watcher){ .lock = -1, .rings = -1, .ring_fd = -1, .each = each, .arg = arg };
	memcpy(watcher->dir, store->dir, sizeof(watcher->dir));
	err = begin(watcher, store, error);
	if (err)
		bg_watch_end(watcher);
	return err;
}

int bg_watch_wait(struct bg_watcher *watcher, int milliseconds)
{
	int result;

	watcher->handled = 0;
	result = ring_buffer__poll(watcher->ring, milliseconds);
	return result < 0 && result != TURN_IS_OVER ? result : (int)watcher->handled;
}

int bg_watch_fd(const struct bg_watcher *watcher)
{
	return ring_buffer__epoll_fd(watcher->ring);
}

__u64 bg_watch_lost(struct bg_watcher *watcher)
{
	__u64 all = __atomic_load_n(&watcher->shared->lost[watcher->slot], __ATOMIC_RELAXED),
	      before = watcher->lost;

	watcher->lost = all;
	return all - before;
}

void bg_watch_end(struct bg_watcher *watcher)
{
	if (watcher->shared && watcher->rings >= 0)
		free_slot(watcher->shared, watcher->rings, watcher->slot);
	ring_buffer__free(watcher->ring);
	if (watcher->shared)
		munmap(watcher->shared, sizeof(*watcher->shared));
	if (watcher->ring_fd >= 0)
		close(watcher->ring_fd);
	if (watcher->rings >= 0)
		close(watcher->rings);
	if (watcher->lock >= 0)
		close(watcher->lock); /* the directory stays: removing it could take away the lock of somebody who has just opened it */
	*watcher = (struct bg_watcher){ .lock = -1, .rings = -1, .ring_fd = -1 };
}
