/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_SOURCE_H
#define BINDGATED_SOURCE_H

#include "node/source/workload.h"

#include <poll.h>

/* How far an engine is with a workload when its source tells of it. */
enum workload_stage {
	WORKLOAD_BEGINS, /* its cgroup may not be there yet */
	WORKLOAD_RUNS,   /* from here on it may bind */
};

struct source_calls {
	/* All that the engine runs now. Of several with one id the first counts. */
	void (*listed)(const struct workload *workloads, size_t count, void *arg);

	/* One more, for which the engine waits. Its gate stands when this returns 0; an error is for the engine, which
	 * is not to go on: the grant says so. */
	int (*began)(const struct workload *workload, enum workload_stage stage, struct bg_error *error, void *arg);

	/* That run is over. */
	void (*ended)(const struct workload *workload, void *arg);

	void *arg;
};

/*
 * Where bindgated learns of workloads: a kind of engine. Only its own files know what is spoken with the engine. What
 * fails is tried again, ever more slowly; nothing is concluded from it.
 */
struct source {
	const char *name;
	const char *engine;                                                          /* in words */
	void *(*open)(const char *socket, const struct source_calls *calls);         /* never NULL */
	unsigned int (*polls)(void *state, struct pollfd *polls, unsigned int room); /* returns how many */
	int (*timeout_ms)(void *state);           /* call run by then even if nothing is ready; -1: no need */
	void (*run)(void *state);                 /* never blocks */
	void (*ask)(void *state, double seconds); /* something may have changed: look within `seconds` */
	void (*close)(void *state);
	const char *(*problem)(void *state); /* why the engine cannot be heard now; NULL: it can */
};

extern const struct source source_cri, source_nri;

#endif
