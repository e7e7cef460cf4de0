/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_QUALIFIER_H
#define BINDGATE_QUALIFIER_H

#include "policy/rule.h"

#define BG_QUALIFIER_TEXT_MAX 16 /* of a value as it is printed, with its zero */

/*
 * What may stand behind a rule after a comma: "key=value". This table is the only list of them; parser, printer, compiler,
 * grants, completion and errors go by it. What a bind is asked is in bg_match.
 */
struct bg_qualifier {
	const char *key; /* with its "=" */
	__u16 flag;      /* enum bg_rule_flags */
	__u8 input;      /* enum bg_inputs: what the hook has to ask for */
	size_t operand;  /* where in struct bg_rule its __u32 is */

	/* -EINVAL, and in `error` why, without the rule. */
	int (*parse)(const char *text, __u32 *operand, struct bg_error *error);
	void (*print)(__u32 operand, char text[static BG_QUALIFIER_TEXT_MAX]);

	/* Does a rule with the first operand match whenever one with the second does? NULL: never. */
	bool (*covers)(__u32 a, __u32 b);
};

#define BG_QUALIFIERS 3
extern const struct bg_qualifier bg_qualifiers[BG_QUALIFIERS]; /* in the order of the canonical text */

/* The qualifier that a text begins with, or NULL. */
const struct bg_qualifier *bg_qualifier_of(const char *text);

bool bg_qualifier_has(const struct bg_qualifier *qualifier, const struct bg_rule *rule);
__u32 bg_qualifier_operand(const struct bg_qualifier *qualifier, const struct bg_rule *rule);

/* Gives it to the rule. -EINVAL as `parse`. */
int bg_qualifier_read(const struct bg_qualifier *qualifier, const char *text, struct bg_rule *rule,
		      struct bg_error *error);

/* Does whatever `b` has leave nothing that `a`'s qualifiers would not take too? */
bool bg_qualifiers_cover(const struct bg_rule *a, const struct bg_rule *b);

#endif
