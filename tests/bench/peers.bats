#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benches beside what others use run, in a few rounds: what they measure is there and sound; nothing stays behind.

setup_file() {
	export QUICK=1 OUT=$BATS_FILE_TMPDIR/out TREE=$BATS_TEST_DIRNAME/../..
	BUILD=$(dirname "$BINDGATE")
	# without a systemd's root file system: a program of the bench's own stands for it
	export BUILD NO_SYSTEMD=1
	case ${TMPDIR:-} in */bindgate-test-*) chmod o+x "$TMPDIR" ;; esac # nginx, as nobody, reads there
}

bench() { # NAME
	unset BINDGATE_PIN_DIR
	unshare --net /usr/bin/python3 "$TREE/bench/peers/$1.py" "$BUILD" "$OUT" 3>&- &
	wait $!
	gone $!
}

gone() { # PID of a bench
	local cgroup pins=/sys/fs/bpf/bindgate-peers-$1
	cgroup=$(awk '$0 ~ / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)/bindgate-peers-$1
	for _ in $(seq 200); do
		[ -d "$cgroup" ] || [ -d "$pins" ] || return 0
		sleep 0.05
	done
	ls -d "$cgroup" "$pins"
	return 1
}

# Rows of a table for which awk's condition holds.
rows() { # NAME CONDITION
	awk -F '\t' "NR > 2 && ($2) { rows++ } END { print rows + 0 }" "$OUT/$1.tsv"
}

@test "nginx answers on port 80 in five ways" {
	bench ways
	[ "$(rows ways '$3 > 0 && $9 > 0 && $12 == 0')" -eq 10 ]
}

@test "binds against the number of rules, beside a linear scan" {
	bench rules
	[ "$(rows rules '$3 > 100')" -eq 29 ]
	[ "$(rows rules '$1 == "linear scan, hit"')" -eq 9 ]
	[ "$(rows attach '$3 > 0')" -eq 19 ]
}

@test "the time to grant" {
	bench grant
	[ "$(rows grant '$2 > 0')" -eq 9 ]
}

@test "what grows with the gates, and with nesting" {
	bench scale
	[ "$(rows gates '$2 > 100 && $11 > 0 && $14 > 0')" -eq 4 ]
	[ "$(rows nesting '$2 > 100')" -eq 7 ]
}

@test "the plots are drawn and the page is written from the tables" {
	local page=$BATS_TEST_TMPDIR/page.md plot
	gnuplot -e "dir='$OUT'" "$TREE/bench/peers/plots.gp"
	for plot in ways rules grant scale; do
		/usr/bin/python3 -c "import sys, xml.dom.minidom as x; x.parse('$OUT/$plot.svg')"
	done
	printf 'before\n<!-- grant -->\nold\n<!-- / -->\nafter\n' >"$page"
	/usr/bin/python3 "$TREE/bench/peers/tables.py" "$OUT" "$page"
	grep -q '^| bindgate attach, a new gate | [0-9.]* ([0-9.]* to [0-9.]*) |' "$page"
	[ "$(grep -cxE 'before|old|after' "$page")" -eq 2 ]
}

@test "killed in the middle, nothing of it stays" {
	unset BINDGATE_PIN_DIR
	local bench cgroup
	unshare --net /usr/bin/python3 "$TREE/bench/peers/ways.py" "$BUILD" "$OUT" >/dev/null 2>&1 3>&- &
	bench=$!
	cgroup=$(awk '$0 ~ / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)/bindgate-peers-$bench
	for _ in $(seq 200); do
		[ -d "$cgroup/socat" ] && break
		sleep 0.05
	done
	[ -d "$cgroup/socat" ]
	kill -KILL "$bench"
	gone "$bench"
}
