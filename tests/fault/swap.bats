#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Root runs a command from within a cgroup that is a user's. At each system call that bindgate makes, held for as long as
# that takes, the user puts a cgroup of his own in the place of the run's, and waits in there for the port.

load ../cli/common

INJECT=$(dirname "$BINDGATE")/tests/fault/inject

setup() {
	new_room
	mkdir "$CG/user"
	chown -R 65534 "$CG/user"
	install -d -o 65534 "$WORK/thief"
	export WORK HERE PYTHON TREE
}

# What the user does while bindgate is held.
cat_swap() {
	cat <<-'END'
		#!/bin/sh
		for run in $(find "$CG" -name 'bindgate-run-*'); do
			rmdir "$run" && mkdir "$run" || continue
			"$PYTHON" -IS "$TREE/tests/fault/thief.py" "$run" "$WORK/thief" &
			until [ -e "$WORK/thief/armed" ]; do sleep 0.005; done
		done
	END
}

# The command that root runs: it gives the thief, where there is one, time to try.
cat_command() {
	cat <<-'END'
		#!/bin/sh
		touch "$WORK/ran"
		[ -e "$WORK/thief/armed" ] || exit 0
		touch "$WORK/thief/go"
		until [ -e "$WORK/thief/got" ]; do sleep 0.005; done
	END
}

held_run() { # NTH LINE
	in_cgroup "$CG/user" nsenter --net="/proc/self/fd/$NET" "$INJECT" "$WORK/report" "$1" "$2" \
		"$BINDGATE" run 83/tcp -- sh "$WORK/command" 2>"$WORK/said" 3>&-
}

@test "no call at which the user swaps the run's cgroup gives him its port" {
	cat_swap >"$WORK/swap"
	cat_command >"$WORK/command"
	local first last nth tried=0
	held_run 0 'for run in "$CG"/bindgate-run-* "$CG"/user/bindgate-run-*; do
		[ ! -d "$run" ] || [ -e "$WORK/ran" ] || echo "$CALL" >>"$WORK/window"
	done'
	[ -e "$WORK/ran" ]
	first=$(head -n 1 "$WORK/window")
	last=$(tail -n 1 "$WORK/window")
	for nth in $(seq "$first" "$last"); do
		rm -f "$WORK"/thief/* "$WORK/ran"
		held_run "$nth" 'setpriv --reuid 65534 --regid 65534 --clear-groups sh "$WORK/swap" 2>/dev/null' || true
		[ -s "$WORK/report" ] || break
		tried=$((tried + 1))
		if [ -e "$WORK/thief/armed" ]; then
			touch "$WORK/thief/go"
			until [ -e "$WORK/thief/got" ]; do sleep 0.005; done
			equal "call $nth ($(cat "$WORK/report")), bindgate: $(cat "$WORK/said")" \
				"$(cat "$WORK/thief/got")" "EACCES 65534"
		fi
	done
	echo "# swapped at $tried calls" >&3
	[ "$tried" -gt 20 ]
}
