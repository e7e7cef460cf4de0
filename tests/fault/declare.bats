#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call fails once: of those that make gates of what is declared, and of run. See common.bash.

load common

@test "apply" {
	fails_well "apply"
}

@test "apply --dry-run" {
	fails_well "apply --dry-run"
}

@test "run" {
	fails_well "run"
}

@test "oci-hook" {
	fails_well "oci-hook"
}
