#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call of bindgated fails once: it ends before it is ready, with a word, or does its work all the same.

load ../node/common

# a sanitizer looks for leaks by calls of its own
! grep -q __asan_init "$BINDGATE" || export INJECT_SPARES_MEMORY=1 ASAN_OPTIONS=detect_leaks=0

works_on() { # FIRST LAST
	run unshare --mount --propagation private "$PYTHON" -B "$BATS_TEST_DIRNAME/daemon.py" "$(dirname "$BINDGATE")/tests/fault/inject" \
		"$BINDGATED" "$CG" "$WORK" "$1" "$2" 3>&-
	ended 0 'calls failed'
	echo "# $output" >&3
}

@test "while it starts" {
	works_on 1 200
}

@test "while it runs, and ends" {
	works_on 201 100000
}
