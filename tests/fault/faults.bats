#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call that a command makes fails once, for want of memory and for want of permission: the command says so in
# one line, what it prints where it goes on all the same is right, the gate is whole or absent, and nothing is left.

load ../cli/common

# a sanitizer looks for leaks by calls of its own
! grep -q __asan_init "$BINDGATE" || export INJECT_SPARES_MEMORY=1 ASAN_OPTIONS=detect_leaks=0

INJECT=$(dirname "$BINDGATE")/tests/fault/inject

# In a mount namespace of its own: a command that takes a failed look at /sys/fs/bpf for "not mounted" would mount it.
fails_well() { # COMMAND
	run unshare --mount --propagation private "$PYTHON" -B "$BATS_TEST_DIRNAME/faults.py" "$INJECT" "$BINDGATE" "$CG" "$WORK" "$1" \
		bash -c 'echo $$ >"$1/cgroup.procs" && exec nsenter --net=/proc/self/fd/"$2" "$3" -IS "$4"' \
		bash "$CG" "$NET" "$PYTHON" "$HERE/binder.py" 3>&-
	ended 0 'each told'
	echo "# $output" >&3
}

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

@test "apply" {
	fails_well "apply"
}

@test "apply --dry-run" {
	fails_well "apply --dry-run"
}

@test "run" {
	fails_well "run"
}

@test "learn" {
	fails_well "learn"
}

@test "watch" {
	fails_well "watch"
}

@test "oci-hook" {
	fails_well "oci-hook"
}

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
