/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_YAML_LINE_H
#define BINDGATE_YAML_LINE_H

#include <stddef.h>

#define BG_YAML_DEPTH_MAX 16 /* of lists and mappings in each other; what is declared takes 4 */

/* The line of the node at a path such as "gates[2].rules[0]"; 0: there is no such node. */
unsigned int bg_yaml_line(const char *text, size_t size, const char *path);

#endif
