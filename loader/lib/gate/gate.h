/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_GATE_H
#define BINDGATE_GATE_H

#include "cgroup/cgroup.h"
#include "policy/compile.h"
#include "policy/policy.h"
#include "gate/store.h"

/* A gate as the kernel has it. */
struct bg_gate {
	__u64 id; /* its cgroup's */
	struct bg_cgroup cgroup;
	struct bg_portmap map;
	struct bg_policy policy;     /* what the map says */
	__u64 hits[BG_RULES_MAX];    /* by rule, in the policy's order */
	__u64 default_hits;          /* since the gate came, while the default was what it is now */
	__u64 bypassed_hits;         /* port 0, and other network namespaces with netns host */
	__u64 verdicts[BG_VERDICTS]; /* binds by verdict since the gate came, replaced rules included */
	bool is_unknown;             /* what it enforces cannot be told: policy, hits and verdicts say nothing */
	bool is_foreign;             /* … since a bindgate of another ABI made it */
	char damage[256];            /* what is wrong with it, and what to do; empty: nothing */
};

enum bg_attach_flags {
	BG_ATTACH_KEEP_EXPIRED = 1 << 0, /* an expired rule that stays in the policy stays expired */
	BG_ATTACH_ONLY_NEW = 1 << 1,     /* -EEXIST where a gate is */
};

enum bg_attach_result {
	BG_ATTACHED,  /* a new gate */
	BG_REPLACED,  /* a gate's policy, in one step */
	BG_UNCHANGED, /* it was so already */
};

/*
 * Makes `policy` the gate's whole policy; the store must be open for writing. Rules that were there keep their hits
 * and deadlines. A gate that was damaged is whole again. -E2BIG: the cgroup has 64 programs already.
 * Returns enum bg_attach_result or a negative errno; on failure nothing is changed.
 */
int bg_gate_attach(struct bg_store *store, const struct bg_cgroup *cgroup, const struct bg_policy *policy,
		   unsigned int flags, struct bg_error *error);

/* Ends a gate: the next bind is ungated when this returns. -ENOENT: no gate there. */
int bg_gate_detach(struct bg_store *store, __u64 id, struct bg_error *error);

/* Reads one. -ENOENT: no gate there. A damaged gate is read as far as it goes, and damage says what is wrong. */
int bg_gate_read(struct bg_store *store, __u64 id, struct bg_gate *out, struct bg_error *error);

/* The ids of all gates, ascending; to be freed by the caller. */
int bg_gate_ids(struct bg_store *store, __u64 **ids, size_t *count, struct bg_error *error);

#endif
