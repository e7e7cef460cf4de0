// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/schema_internal.h"

#include "config/file.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define OPTIONAL_STRING(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, 4095)
#define OPTIONAL_LIST(key, type, member, entry, most) \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, most)
#define OPTIONAL_ENUM(key, type, member, values)                                                              \
	CYAML_FIELD_ENUM_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, \
			     values, COUNT(values))

static const cyaml_strval_t fallbacks[] = { { "pass", BG_PASS }, { "deny", BG_DENY } };
static const cyaml_strval_t netns[] = { { "any", BG_NETNS_ANY }, { "host", BG_NETNS_HOST } };
/* not libcyaml's own booleans: they take any word for true */
static const cyaml_strval_t booleans[] = { { "false", 0 }, { "true", 1 } };
static const cyaml_strval_t stops[] = { { "keep", 0 }, { "detach", 1 } };
static const cyaml_strval_t refusals[] = { { "start", BG_REFUSAL_START }, { "block", BG_REFUSAL_BLOCK } };
static const cyaml_strval_t logs[] = { { "none", BG_LOG_NONE }, { "denied", BG_LOG_DENIED }, { "all", BG_LOG_ALL } };

static const struct {
	const char *key, *values;
} enumerated[] = {
	{ "default", "pass or deny" }, { "netns", "any or host" },         { "audit", "true or false" },
	{ "adopt", "true or false" },  { "on_stop", "keep or detach" },    { "log", "none, denied or all" },
	{ "log_rate", "a number" },    { "on_refusal", "start or block" },
};

static const cyaml_schema_value_t text = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4095) };

#define POLICY_FIELDS(type)                                                \
	OPTIONAL_ENUM("default", type, policy.default_verdict, fallbacks), \
		OPTIONAL_ENUM("netns", type, policy.netns, netns),         \
		OPTIONAL_ENUM("audit", type, policy.audit, booleans),      \
		OPTIONAL_STRING("label", type, policy.label),              \
		OPTIONAL_LIST("rules", type, policy.rules, &text, CYAML_UNLIMITED)

static const cyaml_schema_field_t gate_fields[] = {
	CYAML_FIELD_STRING_PTR("cgroup", CYAML_FLAG_POINTER, struct bg_declared_gate, cgroup, 1, 4095),
	POLICY_FIELDS(struct bg_declared_gate),
	OPTIONAL_ENUM("adopt", struct bg_declared_gate, adopt, booleans),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t gate = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct bg_declared_gate,
							       gate_fields) };

static const cyaml_schema_field_t pod_fields[] = {
	OPTIONAL_STRING("namespace", struct bg_declared_pod, namespace),
	OPTIONAL_LIST("labels", struct bg_declared_pod, labels, &text, CYAML_UNLIMITED),
	POLICY_FIELDS(struct bg_declared_pod),
	OPTIONAL_LIST("may_ask", struct bg_declared_pod, may_ask, &text, CYAML_UNLIMITED),
	OPTIONAL_ENUM("on_refusal", struct bg_declared_pod, on_refusal, refusals),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t pod = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct bg_declared_pod,
							      pod_fields) };

static const cyaml_schema_field_t daemon_fields[] = {
	OPTIONAL_ENUM("on_stop", struct bg_declared_daemon, detach_on_stop, stops),
	OPTIONAL_STRING("listen", struct bg_declared_daemon, listen),
	OPTIONAL_ENUM("log", struct bg_declared_daemon, log, logs),
	OPTIONAL_STRING("log_to", struct bg_declared_daemon, log_to),
	CYAML_FIELD_INT_PTR("log_rate", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct bg_declared_daemon,
			    log_rate),
	OPTIONAL_STRING("cri", struct bg_declared_daemon, cri),
	OPTIONAL_STRING("nri", struct bg_declared_daemon, nri),
	OPTIONAL_STRING("kubepods", struct bg_declared_daemon, kubepods),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t top_fields[] = {
	OPTIONAL_LIST("gates", struct bg_declaration, gates, &gate, CYAML_UNLIMITED),
	OPTIONAL_LIST("pods", struct bg_declaration, pods, &pod, CYAML_UNLIMITED),
	CYAML_FIELD_MAPPING_PTR("daemon", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct bg_declaration, daemon,
				daemon_fields),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t bg_declaration_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct bg_declaration,
									 top_fields) };

const char *bg_schema_values(const char *key)
{
	for (size_t i = 0; i < COUNT(enumerated); i++)
		if (!strcmp(enumerated[i].key, key))
			return enumerated[i].values;
	return NULL;
}
