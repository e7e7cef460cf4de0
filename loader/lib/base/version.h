/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_VERSION_H
#define BINDGATE_VERSION_H

/* "0.2.0", or, built from a clone between releases, "0.2.0+g" and the commit. No spaces. */
extern const char bg_version[];

#endif
