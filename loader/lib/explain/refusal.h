/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_EXPLAIN_REFUSAL_H
#define BINDGATE_EXPLAIN_REFUSAL_H

#include "explain/explain.h"

#include <bindgate/refusal.h>

/* Why the kernel refused a bind, and what would help. */
enum bg_refusal_cause {
	BG_REFUSED_PRIVILEGE, /* the port is privileged there, and nothing grants it */
	BG_REFUSED_GATE,      /* a gate denies it */
	BG_REFUSED_HELD,      /* another socket has the port: why.netns_view.holders, where it still has it */
	BG_REFUSED_ELSEWHERE, /* by none of these, as far as can be seen now: an LSM such as SELinux or AppArmor */
};

struct bg_refusal_why {
	enum bg_refusal_cause cause;
	struct bg_bind bind;       /* a protocol that the kernel does not say is found out, else TCP */
	struct bg_cgroup cgroup;   /* whose gates were asked; name "id:N" where it is gone */
	struct bg_explanation why; /* as it is now; why.remedy is to be freed */
};

/* What is known without a look at the gates: bind and cgroup; the cause as far as the errno tells it. */
void bg_refusal_describe(const struct bg_refusal *refusal, struct bg_refusal_why *out);

/* The rest; *out has been described. The store is open for reading. Fails where the cgroup or its processes are gone so far
 * that nothing can be said. */
int bg_refusal_explain(struct bg_store *store, const struct bg_refusal *refusal, struct bg_refusal_why *out,
		       struct bg_error *error);

#endif
