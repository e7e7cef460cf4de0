// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/grant.h"

#include "base/escape.h"
#include "policy/parser.h"
#include "policy/qualifier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_label(const struct bg_label *labels, size_t count, const char *wanted)
{
	const char *value = strchr(wanted, '=');

	for (size_t i = 0; i < count; i++)
		if (!strncmp(labels[i].key, wanted, (size_t)(value - wanted)) && !labels[i].key[value - wanted] &&
		    !strcmp(labels[i].value, value + 1))
			return true;
	return false;
}

bool bg_grant_matches(const struct bg_declared_pod *grant, const char *namespace, const struct bg_label *labels,
		      size_t labels_count)
{
	if (grant->namespace && strcmp(grant->namespace, namespace))
		return false;
	for (unsigned int i = 0; i < grant->labels_count; i++)
		if (!has_label(labels, labels_count, grant->labels[i]))
			return false;
	return true;
}

/* What a rule lets a bind end up with: itself, or where it rewrites to. */
static struct bg_rule effect_of(const struct bg_rule *rule)
{
	struct bg_rule effect = *rule;

	effect.verdict = BG_ALLOW;
	if (rule->verdict != BG_REWRITE)
		return effect;
	effect.first = rule->to;
	effect.last = (__u16)(rule->to + (rule->last - rule->first));
	effect.to = 0;
	if (rule->flags & BG_RULE_TARGET) {
		effect.flags = (__u16)((rule->flags & ~BG_RULE_TARGET) | BG_RULE_ADDR);
		effect.addr = rule->target;
		effect.prefix = 128;
		memset(&effect.target, 0, sizeof(effect.target));
	}
	return effect;
}

/* The first of the grant's own rules that a bind to where the rule rewrites to may meet and not be allowed by; NULL: there
 * is none. A bind to the port asked for meets them in the gate itself. */
static const struct bg_rule *kept_back(const struct bg_policy *own, const struct bg_rule *rule)
{
	const struct bg_rule effect = effect_of(rule);

	if (rule->verdict != BG_REWRITE)
		return NULL;
	for (unsigned int i = 0; i < own->count; i++) {
		const struct bg_rule *first = &own->rules[i];

		if (first->verdict != BG_ALLOW && bg_rule_overlaps(first, &effect))
			return first;
		if (first->verdict == BG_ALLOW && bg_rule_covers(first, &effect))
			return NULL;
	}
	return NULL;
}

static bool may_ask(const struct bg_grant *grant, const struct bg_rule *rule)
{
	const struct bg_rule effect = effect_of(rule);

	if (rule->verdict == BG_DENY) /* a pod may always deny itself something */
		return true;
	for (unsigned int i = 0; i < grant->limits_count; i++)
		if (grant->limits[i].verdict == BG_ALLOW && bg_rule_covers(&grant->limits[i], &effect))
			return true;
	return false;
}

/* The next rule of the request. Commas separate rules, and rules from their qualifiers. false: there are no more. */
static bool next_rule(const char **request, char *rule, size_t size)
{
	size_t used = 0;

	*request += strspn(*request, ", \t\r\n");
	if (!**request)
		return false;
	do {
		size_t length = strcspn(*request, ", \t\r\n");

		if (used + length + 2 > size) { /* longer than any rule: the parser will refuse it */
			length = size - used - 2;
		}
		if (used)
			rule[used++] = ',';
		memcpy(rule + used, *request, length);
		used += length;
		*request += strcspn(*request, ", \t\r\n");
	} while (**request == ',' && bg_qualifier_of(*request + 1) && (*request)++ && used + 2 < size);
	rule[used] = '\0';
	return true;
}

static int add_request(const struct bg_grant *grant, const char *request, struct bg_policy *policy,
		       struct bg_error *error)
{
	char rule[512], text[BG_RULE_TEXT_MAX];
	const struct bg_rule *kept;
	struct bg_error why;

	if (strnlen(request, BG_GRANT_REQUEST_MAX + 1) > BG_GRANT_REQUEST_MAX)
		return bg_error(error, -EACCES, "its request is longer than %d bytes", BG_GRANT_REQUEST_MAX);
	while (next_rule(&request, rule, sizeof(rule))) {
		if (bg_policy_add(policy, rule, &why))
			return bg_error(error, -EACCES, "%s", why.text);
		if (!may_ask(grant, &policy->rules[policy->count - 1]))
			return bg_error(error, -EACCES, "it may not ask for %.128s", bg_escape(rule));
		kept = kept_back(&grant->own, &policy->rules[policy->count - 1]);
		if (kept)
			return bg_error(error, -EACCES,
					"it may not ask for %.128s: its grant has %s where that lands",
					bg_escape(rule), bg_rule_print(kept, text));
	}
	return 0;
}

int bg_grant_prepare(const struct bg_declared_pod *declared, const char *owner, struct bg_grant *out,
		     struct bg_error *error)
{
	int err;

	*out = (struct bg_grant){ .limits = calloc(declared->may_ask_count + 1, sizeof(*out->limits)) };
	if (!out->limits)
		return bg_error(error, -ENOMEM, "out of memory");
	err = bg_declare_policy(&declared->policy, owner, &out->own, error);
	if (err)
		return err;
	if (!declared->policy.netns)
		out->own.netns = BG_NETNS_HOST;
	for (unsigned int i = 0; i < declared->may_ask_count; i++)
		if (!bg_rule_parse(declared->may_ask[i], &out->limits[out->limits_count], NULL))
			out->limits_count++;
	return 0;
}

void bg_grant_free(struct bg_grant *grant)
{
	free(grant->limits);
	grant->limits = NULL;
}

int bg_grant_ask(const struct bg_grant *grant, const char *request, struct bg_policy *out, struct bg_error *error)
{
	struct bg_policy *policy = malloc(sizeof(*policy));
	int err;

	if (!policy)
		return bg_error(error, -ENOMEM, "out of memory");
	*policy = grant->own;
	err = request ? add_request(grant, request, policy, error) : 0;
	*out = err ? grant->own : *policy;
	free(policy);
	return err;
}

int bg_grant_policy(const struct bg_declared_pod *declared, const char *owner, const char *request,
		    struct bg_policy *out, struct bg_error *error)
{
	struct bg_grant *grant = calloc(1, sizeof(*grant));
	int err;

	if (!grant)
		return bg_error(error, -ENOMEM, "out of memory");
	err = bg_grant_prepare(declared, owner, grant, error);
	if (!err)
		err = bg_grant_ask(grant, request, out, error);
	bg_grant_free(grant);
	free(grant);
	return err;
}

void bg_grant_explain(const struct bg_declared_pod *grant, struct bg_error *error)
{
	const struct bg_error why = *error;
	char limits[400] = "nothing";
	size_t used = 0;

	for (unsigned int i = 0; i < grant->may_ask_count; i++) {
		const char *rule = bg_escape(grant->may_ask[i]);
		bool fits = used + strlen(rule) + sizeof(", , ...") < sizeof(limits);

		used += (size_t)sprintf(limits + used, "%s%s", i ? ", " : "", fits ? rule : "...");
		if (!fits)
			break;
	}
	bg_error(error, -EACCES, "%.300s (annotation " BG_GRANT_ANNOTATION "); %.250s:%u lets it ask for %s",
		 why.text, grant->file ? bg_escape(grant->file) : "its grant", grant->line, limits);
}

const char *bg_grant_request(const struct bg_label *annotations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(annotations[i].key, BG_GRANT_ANNOTATION))
			return annotations[i].value;
	return NULL;
}

const char *bg_grant_misspelt(const struct bg_label *annotations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(annotations[i].key, BG_GRANT_PREFIX, sizeof(BG_GRANT_PREFIX) - 1) &&
		    strcmp(annotations[i].key, BG_GRANT_ANNOTATION))
			return annotations[i].key;
	return NULL;
}
