/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROBE_H
#define BINDGATE_PROBE_H

#include "base/error.h"

#include <stdbool.h>

/* What this kernel can do; each found by trying it, never by its version. */
struct bg_features {
	bool loads;       /* cgroup/bind programs load at all */
	bool waives;      /* … and may waive CAP_NET_BIND_SERVICE (5.12): without it nothing works */
	bool storage;     /* cgroup storage of a port map's size (5.15): before, a page was the most */
	bool set_retval;  /* bpf_set_retval (5.18): denies say EACCES, else EPERM */
	bool pid;         /* bpf_get_current_pid_tgid in the hooks: watch tells the process */
	bool comm;        /* bpf_get_current_comm in the hooks: … and its name */
	bool ringbuf;     /* ring buffers (5.8): watch */
	bool cgroup_link; /* BPF_LINK_CREATE on cgroups (5.7) */
};

/* -EPERM: this user may not load programs. An error that says nothing about the kernel, such as -ENOMEM, is returned too. */
int bg_probe(struct bg_features *out, struct bg_error *error);

/* -EOPNOTSUPP with the line to show when the kernel cannot carry a gate; 0 when it can. */
int bg_probe_required(const struct bg_features *features, struct bg_error *error);

#endif
