/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_EVENT_READ_H
#define BINDGATE_EVENT_READ_H

#include "policy/rule.h"

#include <bindgate/event.h>

/* The rule that decided. false: none did, but the default or nothing. */
bool bg_event_rule(const struct bg_event *event, struct bg_rule *out);

/* Its socket's protocol as people say it: tcp (MPTCP binds one of these too), udp, udplite; else a number (static,
 * until the next call). */
const char *bg_event_protocol(const struct bg_event *event);

#endif
