/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_GRANT_H
#define BINDGATED_GRANT_H

#include "declare.h"

/* What a pod asks for: rules as in the annotation bindgate.io/rules, separated by commas or white space. */
#define GRANT_ANNOTATION "bindgate.io/rules"
#define GRANT_REQUEST_MAX 16384 /* bytes */

struct label {
	const char *key, *value;
};

/* Does the entry speak of such a pod? */
bool grant_matches(const struct bg_declared_pod *grant, const char *namespace, const struct label *labels,
		   size_t labels_count);

/*
 * The policy of a pod under that grant. What is asked for (NULL: nothing) comes behind what is given outright; it is
 * taken as a whole or refused as a whole: then -EACCES and why, and *out is what is given outright. Other errors leave
 * *out untouched.
 */
int grant_policy(const struct bg_declared_pod *grant, const char *request, struct bg_policy *out,
		 struct bg_error *error);

#endif
