// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/version.h"

#include "built_version.h"

const char bg_version[] = BINDGATE_VERSION;
