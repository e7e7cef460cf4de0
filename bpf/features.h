/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_BPF_FEATURES_H
#define BINDGATE_BPF_FEATURES_H

#include <bindgate/program.h>

/* Set before the programs are loaded. The verifier drops code behind a feature that this kernel lacks. */
const volatile struct bg_program program = {};

#endif
