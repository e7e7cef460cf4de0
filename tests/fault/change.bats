#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call fails once: of the commands that change a gate. See common.bash.

load common

@test "attach" {
	fails_well "attach"
}

@test "load" {
	fails_well "load"
}

@test "replace" {
	fails_well "replace"
}

@test "add" {
	fails_well "add"
}

@test "remove" {
	fails_well "remove"
}

@test "detach" {
	fails_well "detach"
}

@test "detach all" {
	fails_well "detach all"
}
