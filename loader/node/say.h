/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_SAY_H
#define BINDGATED_SAY_H

#include "base/need.h"

#include <syslog.h>

/* A line on stderr for whoever runs the daemon; LOG_ERR to LOG_INFO, which journald is told. */
void say(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tells systemd, where it started the daemon: "READY=1", … */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often systemd wants to hear WATCHDOG=1, in ms; 0: never. */
unsigned int watchdog_ms(void);

#endif
