# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Every system call that a command makes fails once, for want of memory or of permission: the command says so in one
# line, what it prints where it goes on all the same is right, the gate is whole or absent, and nothing is left.

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
