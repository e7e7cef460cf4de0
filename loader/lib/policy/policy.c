// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/policy.h"
#include "policy/parser.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Is there room in a port map for the policy's addresses and those of one more rule? */
static bool addrs_fit(const struct bg_policy *policy, const struct bg_rule *more)
{
	struct bg_addr table[BG_ADDRS_MAX];
	__u16 count = 0;

	for (unsigned int i = 0; i <= policy->count; i++) {
		const struct bg_rule *rule = i < policy->count ? &policy->rules[i] : more;

		if (((rule->flags & BG_RULE_ADDR) && bg_addr_intern(table, &count, &rule->addr) < 0) ||
		    ((rule->flags & BG_RULE_TARGET) && bg_addr_intern(table, &count, &rule->target) < 0))
			return false;
	}
	return true;
}

int bg_policy_add(struct bg_policy *policy, const char *text, struct bg_error *error)
{
	struct bg_rule rule;
	int err = bg_rule_parse(text, &rule, error);

	if (err)
		return err;
	if (policy->count >= BG_RULES_MAX)
		return bg_error(error, -E2BIG,
				"more than %d rules for one gate: use port ranges (8000-8100) or address prefixes "
				"(10.0.0.0/8:80)",
				BG_RULES_MAX);
	if ((rule.flags & (BG_RULE_ADDR | BG_RULE_TARGET)) && !addrs_fit(policy, &rule))
		return bg_error(error, -E2BIG,
				"more than %d different addresses for one gate: use address prefixes "
				"(10.0.0.0/8:80)",
				BG_ADDRS_MAX);
	policy->rules[policy->count++] = rule;
	return 0;
}

/* Is it the wanted rule but for a for=, which the wanted one does not have? */
static bool same_but_for(const struct bg_rule *rule, const struct bg_rule *wanted)
{
	struct bg_rule endless = *rule;

	endless.flags &= (__u16)~BG_RULE_FOR;
	endless.seconds = 0;
	return !wanted->seconds && bg_rule_same(&endless, wanted);
}

static int find(const struct bg_policy *policy, const struct bg_rule *wanted)
{
	for (unsigned int i = 0; i < policy->count; i++)
		if (bg_rule_same(&policy->rules[i], wanted))
			return (int)i;
	for (unsigned int i = 0; i < policy->count; i++)
		if (same_but_for(&policy->rules[i], wanted))
			return (int)i;
	return -1;
}

/* 0: the two have no port in common. */
static unsigned int likeness(const struct bg_rule *rule, const struct bg_rule *wanted)
{
	if (!rule || rule->first > wanted->last || wanted->first > rule->last)
		return 0;
	return 1 + 4U * (rule->first == wanted->first && rule->last == wanted->last) +
	       2U * (rule->verdict == wanted->verdict) + (rule->flags == wanted->flags);
}

static int not_found(const struct bg_policy *policy, const struct bg_rule *wanted, struct bg_error *error)
{
	char text[BG_RULE_TEXT_MAX], near[BG_RULE_TEXT_MAX];
	const struct bg_rule *best = NULL;

	bg_rule_print(wanted, text);
	if (policy->count == 0)
		return bg_error(error, -ENOENT, "no rule \"%s\" there: the gate has no rules", text);
	for (unsigned int i = 0; i < policy->count; i++)
		if (likeness(&policy->rules[i], wanted) > likeness(best, wanted))
			best = &policy->rules[i];
	if (best)
		return bg_error(error, -ENOENT, "no rule \"%s\" there: did you mean \"%s\"?", text,
				bg_rule_print(best, near));
	return bg_error(error, -ENOENT, "no rule \"%s\" there: bindgate list shows the gate's rules", text);
}

int bg_policy_remove(struct bg_policy *policy, const char *text, struct bg_error *error)
{
	struct bg_rule wanted;
	int err = bg_rule_parse(text, &wanted, error), at;

	if (err)
		return err;
	at = find(policy, &wanted);
	if (at < 0)
		return not_found(policy, &wanted, error);
	policy->count--;
	memmove(&policy->rules[at], &policy->rules[at + 1],
		(policy->count - (unsigned int)at) * sizeof(*policy->rules));
	return 0;
}

static int set_text(char *out, size_t size, const char *what, const char *text, struct bg_error *error)
{
	size_t length = strnlen(text, size);

	if (length >= size)
		return bg_error(error, -EINVAL, "the %s is longer than %zu characters", what, size - 1);
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return bg_error(error, -EINVAL, "the %s has a character that is not printable ASCII", what);
	memset(out, 0, size);
	memcpy(out, text, length);
	return 0;
}

int bg_policy_set_owner(struct bg_policy *policy, const char *owner, struct bg_error *error)
{
	return set_text(policy->owner, sizeof(policy->owner), "owner", owner, error);
}

int bg_policy_set_label(struct bg_policy *policy, const char *label, struct bg_error *error)
{
	return set_text(policy->label, sizeof(policy->label), "label", label, error);
}

int bg_policy_set_default(struct bg_policy *policy, const char *text, struct bg_error *error)
{
	if (strcmp(text, "pass") && strcmp(text, "deny"))
		return bg_error(error, -EINVAL, "the default is pass or deny, not \"%.32s\"", text);
	policy->default_verdict = *text == 'p' ? BG_PASS : BG_DENY;
	return 0;
}

int bg_policy_set_netns(struct bg_policy *policy, const char *text, struct bg_error *error)
{
	if (strcmp(text, "any") && strcmp(text, "host"))
		return bg_error(error, -EINVAL, "netns is any or host, not \"%.32s\"", text);
	policy->netns = *text == 'a' ? BG_NETNS_ANY : BG_NETNS_HOST;
	return 0;
}

const char *bg_netns_name(__u8 netns)
{
	return netns == BG_NETNS_HOST ? "host" : "any";
}

int bg_policy_covered_by(const struct bg_policy *policy, unsigned int rule)
{
	for (unsigned int i = 0; i < rule && i < policy->count; i++)
		if (bg_rule_covers(&policy->rules[i], &policy->rules[rule]))
			return (int)i;
	return -1;
}

int bg_policy_rule_of(const struct bg_policy *policy, unsigned int slot)
{
	for (unsigned int i = 0; i < policy->count; i++)
		if (policy->rules[i].slot == slot)
			return (int)i;
	return -1;
}

bool bg_policy_same(const struct bg_policy *a, const struct bg_policy *b)
{
	if (a->default_verdict != b->default_verdict || a->netns != b->netns || a->audit != b->audit ||
	    a->count != b->count || strcmp(a->owner, b->owner) || strcmp(a->label, b->label))
		return false;
	for (unsigned int i = 0; i < a->count; i++)
		if (!bg_rule_same(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}
