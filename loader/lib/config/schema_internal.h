/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_SCHEMA_INTERNAL_H
#define BINDGATE_SCHEMA_INTERNAL_H

#include <cyaml/cyaml.h>

/* bindgate.yaml(5) as libcyaml is told it. */
extern const cyaml_schema_value_t bg_declaration_schema;

/* What the values of an enumerated key may be, in words; NULL: it is none. */
const char *bg_schema_values(const char *key);

#endif
