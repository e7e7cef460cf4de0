// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/refused.h"

#include "refused.skel.h"
#include "refused_tp.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <unistd.h>

#define AT_A_TIME 256

/* One of both programs is there. */
struct bg_refused {
	struct refused_bpf *with_btf;
	struct refused_tp_bpf *without_btf;
	bool is_costly;
	struct ring_buffer *ring;
	bg_refused_fn each;
	void *arg;
	unsigned int turn; /* handed out in this turn */
	__u64 lost;        /* as told last */
};

static int handle(void *arg, void *data, size_t size)
{
	struct bg_refused *refused = arg;
	int err = size < sizeof(struct bg_refusal) ? 0 : refused->each(data, refused->arg);

	return err ? err : ++refused->turn < AT_A_TIME ? 0 : -EAGAIN;
}

/* The ring buffer's fd, or a negative errno. */
static int open_with_btf(struct bg_refused *refused, bool by_tracepoint)
{
	struct refused_bpf *skeleton = refused_bpf__open();
	int err;

	if (!skeleton)
		return errno ? -errno : -ENOMEM;
	bpf_program__set_autoload(skeleton->progs.bind_returns, !by_tracepoint);
	bpf_program__set_autoload(skeleton->progs.bind_begins, by_tracepoint);
	bpf_program__set_autoload(skeleton->progs.bind_ends, by_tracepoint);
	err = refused_bpf__load(skeleton);
	if (!err)
		err = refused_bpf__attach(skeleton);
	if (err) {
		refused_bpf__destroy(skeleton);
		return err;
	}
	refused->with_btf = skeleton;
	refused->is_costly = by_tracepoint;
	return bpf_map__fd(skeleton->maps.refusals);
}

static int open_without_btf(struct bg_refused *refused)
{
	int err;

	refused->without_btf = refused_tp_bpf__open_and_load();
	if (!refused->without_btf)
		return errno ? -errno : -ENOMEM;
	err = refused_tp_bpf__attach(refused->without_btf);
	if (err) {
		refused_tp_bpf__destroy(refused->without_btf);
		refused->without_btf = NULL;
		return err;
	}
	refused->is_costly = true;
	return bpf_map__fd(refused->without_btf->maps.refusals);
}

static bool has_tracefs(void)
{
	struct statfs fs;

	return (!statfs("/sys/kernel/tracing", &fs) && (unsigned long)fs.f_type == TRACEFS_MAGIC) ||
	       (!statfs("/sys/kernel/debug/tracing", &fs) && (unsigned long)fs.f_type == TRACEFS_MAGIC);
}

static int cannot_see(int err, struct bg_error *error)
{
	if (geteuid() != 0)
		return bg_error(error, -EPERM, "must be run as root (try sudo)");
	if (!has_tracefs())
		return bg_error(
			error, -ENOENT,
			"this kernel shows refused binds by its tracepoints alone, and tracefs is not mounted: "
			"mount -t tracefs tracefs /sys/kernel/tracing");
	return bg_error(error, err, "this kernel does not let refused binds be seen: %s%s", strerror(-err),
			err == -ENOENT ? " (CONFIG_FTRACE_SYSCALLS)" : "");
}

int bg_refused_open(struct bg_refused **out, bg_refused_fn each, void *arg, struct bg_error *error)
{
	struct bg_refused *refused = calloc(1, sizeof(*refused));
	int ring, err = 0;

	if (!refused)
		return bg_error(error, -ENOMEM, "out of memory");
	libbpf_set_print(NULL);
	refused->each = each;
	refused->arg = arg;
	ring = open_with_btf(refused, false);
	if (ring < 0)
		ring = open_with_btf(refused, true);
	if (ring < 0)
		ring = open_without_btf(refused);
	if (ring < 0)
		err = cannot_see(ring, error);
	if (!err) {
		refused->ring = ring_buffer__new(ring, handle, refused, NULL);
		err = refused->ring ? 0 : bg_error(error, -errno, "cannot read a ring buffer: %s", strerror(errno));
	}
	if (err)
		bg_refused_close(refused);
	else
		*out = refused;
	return err;
}

void bg_refused_close(struct bg_refused *refused)
{
	ring_buffer__free(refused->ring);
	refused_bpf__destroy(refused->with_btf);
	refused_tp_bpf__destroy(refused->without_btf);
	free(refused);
}

bool bg_refused_is_costly(const struct bg_refused *refused)
{
	return refused->is_costly;
}

int bg_refused_fd(const struct bg_refused *refused)
{
	return ring_buffer__epoll_fd(refused->ring);
}

int bg_refused_read(struct bg_refused *refused)
{
	int result;

	refused->turn = 0;
	result = ring_buffer__consume(refused->ring);
	return result >= 0 || result == -EAGAIN ? 0 : result;
}

__u64 bg_refused_lost(struct bg_refused *refused)
{
	__u64 all = refused->with_btf ? refused->with_btf->bss->lost : refused->without_btf->bss->lost,
	      before = refused->lost;

	refused->lost = all;
	return all - before;
}
