/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_INFER_H
#define BINDGATE_INFER_H

#include "policy/policy.h"

/* Ports that were asked for; a bit each. */
struct bg_seen {
	__u8 ports[BG_PROTOCOLS][65536 / 8];
};

void bg_seen_add(struct bg_seen *seen, __u8 protocol, __u16 port); /* enum bg_protocol; 0 is no port */

/* Ports above 1023 that lie so far apart that somebody picked them at random, as a resolver does for its questions: takes them
 * out of `seen` and returns how many they were; 0: there is no such thing. */
unsigned int bg_infer_random(struct bg_seen *seen, __u8 protocol);

/* The fewest rules that allow exactly those: neighbours folded into ranges, TCP and UDP into one where they are the
 * same. Where they are more than `most` (2 at least), ranges grow over the smallest gaps until they are not. Replaces the policy's
 * rules; returns how many ports more than were seen they allow, over both protocols. */
unsigned int bg_infer(const struct bg_seen *seen, unsigned int most, struct bg_policy *out);

#endif
