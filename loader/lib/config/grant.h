/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_GRANT_H
#define BINDGATE_GRANT_H

#include "config/file.h"

/* What a pod asks for: rules as in the annotation bindgate.io/rules, separated by commas or white space. */
#define BG_GRANT_PREFIX "bindgate.io/"
#define BG_GRANT_ANNOTATION BG_GRANT_PREFIX "rules"
#define BG_GRANT_REQUEST_MAX 16384 /* bytes */

struct bg_label {
	const char *key, *value;
};

/* Is the entry for such a pod? */
bool bg_grant_matches(const struct bg_declared_pod *grant, const char *namespace, const struct bg_label *labels,
		      size_t labels_count);

/* A grant with its rules parsed and its users looked up: for who has many pods, and cannot wait for a look-up. */
struct bg_grant {
	struct bg_policy own; /* what is given outright */
	struct bg_rule *limits;
	unsigned int limits_count;
};

/* Fails only for users that went meanwhile. To be freed with bg_grant_free, whatever this returned. */
int bg_grant_prepare(const struct bg_declared_pod *declared, const char *owner, struct bg_grant *out,
		     struct bg_error *error);
void bg_grant_free(struct bg_grant *grant);

/*
 * The policy of a pod under that grant: first the rules that are given outright, then those of the request (NULL: none).
 * The request is taken as a whole or refused as a whole. Refused: -EACCES, the reason in *error, and *out has what is given
 * outright. Other errors leave *out untouched. Only names of users in the request are looked up.
 */
int bg_grant_ask(const struct bg_grant *grant, const char *request, struct bg_policy *out, struct bg_error *error);

/* Both at once. */
int bg_grant_policy(const struct bg_declared_pod *declared, const char *owner, const char *request,
		    struct bg_policy *out, struct bg_error *error);

/* Completes why it was refused, for who is to do something about it: "… (annotation bindgate.io/rules); FILE:LINE lets it
 * ask for 443/tcp, 8000-8100". */
void bg_grant_explain(const struct bg_declared_pod *grant, struct bg_error *error);

/* What a pod asks for by its annotation; NULL: nothing. */
const char *bg_grant_request(const struct bg_label *annotations, size_t count);

/* An annotation of bindgate's that means nothing, as where its key is misspelt; NULL: there is none. */
const char *bg_grant_misspelt(const struct bg_label *annotations, size_t count);

#endif
