#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call fails once: of those that watch. See common.bash.

load common

@test "learn" {
	fails_well "learn"
}

@test "watch" {
	fails_well "watch"
}
