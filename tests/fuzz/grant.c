// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An annotation of any bytes: never more rules than asked for, and what is given outright stays first. */
#include "config/grant.h"

#include "fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *rules[] = { "80/tcp" }, *may[] = { "443/tcp", "8000-8100" };
	const struct bg_declared_pod grant = { .policy = { .rules = (char **)rules, .rules_count = 1 },
					       .may_ask = (char **)may,
					       .may_ask_count = 2 };
	char *request = text_of(data, size);
	static struct bg_policy policy;
	struct bg_error error;
	int err;

	err = bg_grant_policy(&grant, "fuzz", request, &policy, &error);
	HOLDS(!err || err == -EACCES);
	HOLDS(policy.count >= 1 && policy.rules[0].first == 80 && (!err || policy.count == 1));
	for (unsigned int i = 1; i < policy.count; i++) {
		const struct bg_rule *rule = &policy.rules[i];
		unsigned int low = rule->verdict == BG_REWRITE ? rule->to : rule->first;

		HOLDS(rule->verdict == BG_DENY || low == 443 || (low >= 8000 && low <= 8100));
	}
	free(request);
	return 0;
}
