// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/qualifier.h"

#include "policy/duration.h"
#include "policy/number.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool find_user(const char *name, __u32 *id)
{
	struct passwd entry, *found = NULL;
	char buffer[16384];

	if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) || !found)
		return false;
	*id = entry.pw_uid;
	return true;
}

static bool find_group(const char *name, __u32 *id)
{
	struct group entry, *found = NULL;
	char buffer[16384];

	if (getgrnam_r(name, &entry, buffer, sizeof(buffer), &found) || !found)
		return false;
	*id = entry.gr_gid;
	return true;
}

/* A number, or a name that `find` knows. Names do not begin with a digit, so a number that is too high is an error. */
static int parse_id(const char *text, const char *what, bool (*find)(const char *name, __u32 *id), __u32 *id,
		    struct bg_error *error)
{
	unsigned long number;

	if (bg_number_parse(text, UINT32_MAX - 1, &number)) {
		*id = (__u32)number;
		return 0;
	}
	if (!*text || isdigit((unsigned char)*text) || !find(text, id))
		return bg_error(error, -EINVAL, "there is no %s \"%s\" here", what, text);
	return 0;
}

static int parse_user(const char *text, __u32 *id, struct bg_error *error)
{
	return parse_id(text, "user", find_user, id, error);
}

static int parse_group(const char *text, __u32 *id, struct bg_error *error)
{
	return parse_id(text, "group", find_group, id, error);
}

static void print_id(__u32 id, char text[static BG_QUALIFIER_TEXT_MAX])
{
	snprintf(text, BG_QUALIFIER_TEXT_MAX, "%u", id);
}

static void print_duration(__u32 seconds, char text[static BG_QUALIFIER_TEXT_MAX])
{
	bg_duration_print(seconds, text);
}

static bool is_equal(__u32 a, __u32 b)
{
	return a == b;
}

const struct bg_qualifier bg_qualifiers[BG_QUALIFIERS] = {
	{ .key = "uid=",
	  .flag = BG_RULE_UID,
	  .input = BG_INPUT_IDS,
	  .operand = offsetof(struct bg_rule, uid),
	  .parse = parse_user,
	  .print = print_id,
	  .covers = is_equal },
	{ .key = "gid=",
	  .flag = BG_RULE_GID,
	  .input = BG_INPUT_IDS,
	  .operand = offsetof(struct bg_rule, gid),
	  .parse = parse_group,
	  .print = print_id,
	  .covers = is_equal },
	{ .key = "for=",
	  .flag = BG_RULE_FOR,
	  .input = BG_INPUT_TIME,
	  .operand = offsetof(struct bg_rule, seconds),
	  .parse = bg_duration_parse,
	  .print = print_duration },
};

const struct bg_qualifier *bg_qualifier_of(const char *text)
{
	for (int i = 0; i < BG_QUALIFIERS; i++)
		if (!strncmp(text, bg_qualifiers[i].key, strlen(bg_qualifiers[i].key)))
			return &bg_qualifiers[i];
	return NULL;
}

__u32 bg_qualifier_operand(const struct bg_qualifier *qualifier, const struct bg_rule *rule)
{
	return *(const __u32 *)((const char *)rule + qualifier->operand);
}

bool bg_qualifier_has(const struct bg_qualifier *qualifier, const struct bg_rule *rule)
{
	return rule->flags & qualifier->flag;
}

int bg_qualifier_read(const struct bg_qualifier *qualifier, const char *text, struct bg_rule *rule,
		      struct bg_error *error)
{
	rule->flags |= qualifier->flag;
	return qualifier->parse(text + strlen(qualifier->key), (__u32 *)((char *)rule + qualifier->operand), error);
}

bool bg_qualifiers_cover(const struct bg_rule *a, const struct bg_rule *b)
{
	for (int i = 0; i < BG_QUALIFIERS; i++) {
		const struct bg_qualifier *qualifier = &bg_qualifiers[i];

		if (!bg_qualifier_has(qualifier, a))
			continue;
		if (!qualifier->covers || !bg_qualifier_has(qualifier, b) ||
		    !qualifier->covers(bg_qualifier_operand(qualifier, a), bg_qualifier_operand(qualifier, b)))
			return false;
	}
	return true;
}
