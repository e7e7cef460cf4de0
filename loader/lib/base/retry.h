/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_RETRY_H
#define BINDGATE_RETRY_H

/* How long to wait before something that failed is tried again: twice as long each time, up to a most. */
struct bg_retry {
	double first, most; /* seconds */
	double last;        /* 0: nothing has failed since it last went well */
};

/* It failed: the seconds to wait now. */
double bg_retry_failed(struct bg_retry *retry);

/* It went well: the next failure begins anew. */
void bg_retry_reset(struct bg_retry *retry);

#endif
