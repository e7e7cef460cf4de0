#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call fails once: of those that look. See common.bash.

load common

@test "list" {
	fails_well "list"
}

@test "list -j" {
	fails_well "list -j"
}

@test "maps dump" {
	fails_well "maps dump"
}

@test "export" {
	fails_well "export"
}

@test "explain" {
	fails_well "explain"
}

@test "probe" {
	fails_well "probe"
}
