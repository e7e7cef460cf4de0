/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_SOURCE_H
#define BINDGATED_SOURCE_H

#include "node/source/workload.h"

#include <poll.h>

struct source_calls {
	/* All that the engine runs now. Of several with one id the newest comes first, and the others do not count. */
	void (*listed)(const struct workload *workloads, size_t count, void *arg);
	void *arg;
};

/*
 * Where bindgated learns of workloads: a kind of engine. Only its own file knows what is spoken with the engine. What
 * fails is tried again, ever more slowly; nothing is concluded from it.
 */
struct source {
	const char *name;
	void *(*open)(const char *socket, const struct source_calls *calls);         /* never NULL */
	unsigned int (*polls)(void *state, struct pollfd *polls, unsigned int room); /* returns how many */
	int (*timeout_ms)(void *state);           /* call run by then even if nothing is ready; -1: no need */
	void (*run)(void *state);                 /* never blocks */
	void (*ask)(void *state, double seconds); /* something may have changed: look within `seconds` */
	void (*close)(void *state);
};

extern const struct source source_cri;

#endif
