/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SCHEMA_INTERNAL_H
#define BINDGATE_SCHEMA_INTERNAL_H

#include <cyaml/cyaml.h>

/* The schema of bindgate.yaml(5), in libcyaml's terms. */
extern const cyaml_schema_value_t bg_declaration_schema;

/* The values that an enumerated key can have, in words. NULL: the key is not enumerated. */
const char *bg_schema_values(const char *key);

#endif
