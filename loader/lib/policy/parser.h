/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PARSER_H
#define BINDGATE_PARSER_H

#include "policy/rule.h"

/* The text of any length, any bytes. -EINVAL with the reason and the rule in `error`; *out is untouched then. */
int bg_rule_parse(const char *text, struct bg_rule *out, struct bg_error *error);

#endif
