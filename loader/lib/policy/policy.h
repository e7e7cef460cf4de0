/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_POLICY_H
#define BINDGATE_POLICY_H

#include "policy/rule.h"

/* What a gate enforces. A zeroed policy is valid: no rules, everything passes, any network namespace. */
struct bg_policy {
	__u8 default_verdict; /* verdict where no rule matches: BG_PASS or BG_DENY */
	__u8 netns;           /* enum bg_netns */
	bool audit;
	char owner[BG_OWNER_MAX];
	char label[BG_LABEL_MAX];
	unsigned int count;
	struct bg_rule rules[BG_RULES_MAX];
};

/* Parses and appends. -E2BIG beyond BG_RULES_MAX rules or BG_ADDRS_MAX different addresses; else as bg_rule_parse. */
int bg_policy_add(struct bg_policy *policy, const char *text, struct bg_error *error);

/* Takes out the first rule that has the same canonical text. -ENOENT where none has: the error names the nearest. */
int bg_policy_remove(struct bg_policy *policy, const char *text, struct bg_error *error);

/* Owner and label: printable ASCII that fits, else -EINVAL and the policy is untouched. */
int bg_policy_set_owner(struct bg_policy *policy, const char *owner, struct bg_error *error);
int bg_policy_set_label(struct bg_policy *policy, const char *label, struct bg_error *error);

/* "pass" or "deny"; "any" or "host". -EINVAL else. */
int bg_policy_set_default(struct bg_policy *policy, const char *text, struct bg_error *error);
int bg_policy_set_netns(struct bg_policy *policy, const char *text, struct bg_error *error);
const char *bg_netns_name(__u8 netns);

/* The rule (index below `rule`) that lets the rule never match, or -1. */
int bg_policy_covered_by(const struct bg_policy *policy, unsigned int rule);

/* The rule that counts in a slot, or -1: none of them does. */
int bg_policy_rule_of(const struct bg_policy *policy, unsigned int slot);

/* Same options, owner, label, and rules with the same texts in the same order. */
bool bg_policy_same(const struct bg_policy *a, const struct bg_policy *b);

#endif
