/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_EXPLAIN_H
#define BINDGATE_EXPLAIN_H

#include "gate/gate.h"
#include "explain/netns_view.h"
#include "explain/process.h"
#include "systemd/service.h"

#include <bindgate/request.h>

/* What the kernel will walk through for one bind, in its order. */

#define BG_STEPS_MAX 64  /* gates from a cgroup up to the root */
#define BG_OTHERS_MAX 32 /* programs that are not bindgate's */

/* One gate on the way. */
struct bg_step {
	char cgroup[512]; /* its name */
	struct bg_answer answer;
	char rule[BG_RULE_TEXT_MAX]; /* that decided; empty: the default, or not asked */
	bool audit;
	char damage[256];
	const struct bg_policy *declared; /* of a gate that is not there yet: the caller's; else NULL */
	struct bg_bind after;             /* what the next one sees */
};

/* Another program on the bind hook of a cgroup on the way; what it decides cannot be seen. */
struct bg_other {
	__u32 id;
	char name[32];
	char cgroup[512];
};

struct bg_explanation {
	struct bg_process process; /* pid 0: none; then it is of one without privileges */
	struct bg_cgroup cgroup;
	char service[BG_UNIT_MAX]; /* that does not run: as its next process would be; empty: it is about one that is there */
	struct bg_bind requested;
	struct bg_bind actual; /* after all gates */
	struct bg_netns_view netns_view;
	struct bg_step steps[BG_STEPS_MAX];
	unsigned int steps_count;
	struct bg_other others[BG_OTHERS_MAX];
	unsigned int others_count;
	bool complete;   /* gates and other programs were looked at */
	bool waived;     /* a gate allows it */
	bool denied;     /* a gate refuses it */
	bool privileged; /* the port is, there */
	int error;       /* 0, or the errno that bind(2) would end in */
	char *remedy; /* the commands that would grant it, to be freed; empty or NULL: none would, or none is needed */
};

/* "PORT", "ADDR:PORT", "[ADDR]:PORT", each with or without /tcp or /udp. */
int bg_bind_parse(const char *text, struct bg_bind *out, struct bg_error *error);

/* For a bind by process `pid` (> 0), or by somebody in the cgroup: its first process if it has one. The store is open
 * for reading; without one (NULL) what can be told without root is. */
int bg_explain(struct bg_store *store, pid_t pid, const struct bg_cgroup *cgroup, const struct bg_bind *bind,
	       struct bg_explanation *out, struct bg_error *error);

/* For a process that is gone, or that binds a socket of another cgroup: what is known of it. Its network namespace is taken
 * for the caller's. */
int bg_explain_gone(struct bg_store *store, const struct bg_process *process, const struct bg_cgroup *cgroup,
		    const struct bg_bind *bind, struct bg_explanation *out, struct bg_error *error);

/* For the next bind of a service that does not run, as systemd would start it; `declared`: its permanent gate, or NULL. */
int bg_explain_service(struct bg_store *store, const struct bg_service *service, const struct bg_policy *declared,
		       const struct bg_bind *bind, struct bg_explanation *out, struct bg_error *error);

#endif
