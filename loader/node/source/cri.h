/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_CRI_H
#define BINDGATED_CRI_H

#include "cri.pb-c.h"

#include <poll.h>
#include <stdbool.h>

/*
 * The container runtime, by its own socket: gRPC over HTTP/2, with libcurl. It is asked for its sandboxes when something
 * says that they may have changed: cgroups that come and go, or its own stream of events where it has one. What fails is
 * tried again, ever more slowly; nothing is concluded from it.
 */
struct cri;

struct cri_calls {
	void (*listed)(const Cri__Sandboxes *sandboxes, void *arg);
	void *arg;
};

struct cri *cri_open(const char *socket, const struct cri_calls *calls);
void cri_close(struct cri *cri);

/* Asks soon, within `seconds`. */
void cri_ask(struct cri *cri, double seconds);

/* What to poll for; up to CRI_POLLS. Returns how many. */
#define CRI_POLLS 8
unsigned int cri_polls(struct cri *cri, struct pollfd *polls);
int cri_patience_ms(struct cri *cri); /* -1: for ever */
void cri_run(struct cri *cri);

#endif
