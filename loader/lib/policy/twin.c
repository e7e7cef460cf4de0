// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/twin.h"

#include <string.h>

#define IP4_WHOLE 96 /* the prefix of 0.0.0.0/0 */

static bool confines_a_family(const struct bg_rule *rule)
{
	__u8 family = rule->flags & BG_RULE_FAMILIES;

	if (family == BG_RULE_FAMILIES)
		return false;
	if (rule->flags & BG_RULE_ADDR)
		return (rule->verdict == BG_DENY || rule->verdict == BG_REWRITE) &&
		       rule->prefix == (family == BG_RULE_IP4 ? IP4_WHOLE : 0);
	return rule->verdict == BG_REWRITE;
}

/* The other family's, whole. */
static struct bg_rule twin_of(const struct bg_rule *rule)
{
	bool ip4 = rule->flags & BG_RULE_IP6;
	struct bg_rule twin = *rule;

	twin.verdict = BG_DENY;
	twin.flags = (__u16)((rule->flags & ~(BG_RULE_FAMILIES | BG_RULE_TARGET)) | BG_RULE_ADDR |
			     (ip4 ? BG_RULE_IP4 : BG_RULE_IP6));
	twin.prefix = ip4 ? IP4_WHOLE : 0;
	twin.addr = (struct bg_addr){ .lo = ip4 ? 0xffff00000000ULL : 0 };
	twin.to = 0;
	memset(&twin.target, 0, sizeof(twin.target));
	return twin;
}

/* What servers ask for: any address of the family. */
static struct bg_rule wildcard_of(const struct bg_rule *twin)
{
	struct bg_rule wildcard = *twin;

	wildcard.prefix = 128;
	return wildcard;
}

bool bg_policy_lacks_twin(const struct bg_policy *policy, unsigned int rule, struct bg_rule *twin)
{
	struct bg_rule wildcard;

	if (policy->default_verdict == BG_DENY || !confines_a_family(&policy->rules[rule]))
		return false;
	*twin = twin_of(&policy->rules[rule]);
	wildcard = wildcard_of(twin);
	for (unsigned int i = 0; i < policy->count; i++)
		if (bg_rule_covers(&policy->rules[i], &wildcard))
			return false;
	return true;
}
