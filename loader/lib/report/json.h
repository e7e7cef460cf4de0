/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_JSON_H
#define BINDGATE_JSON_H

#include "explain/refusal.h"
#include "gate/gate.h"

#include <bindgate/event.h>
#include <jansson.h>

/* What is told as JSON, by the command line and by the daemon's log alike; the names are a contract. New references;
 * NULL: out of memory. */
json_t *bg_json_text(const char *text); /* made clean */
json_t *bg_json_gate(const struct bg_gate *gate);

/* `cgroup`: the name of the event's cgroup. */
json_t *bg_json_event(const struct bg_event *event, const char *cgroup);

/* A refused bind, why, and what would help. */
json_t *bg_json_refusal(const struct bg_refusal *refusal, const struct bg_refusal_why *why);

#endif
