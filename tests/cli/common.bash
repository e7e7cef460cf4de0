# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the command line's tests share. Each test has a cgroup ($CG), a pin directory ($BINDGATE_PIN_DIR), a network
# namespace ($NET, an open file) and a folder that every user can read ($WORK) of its own; all go away with it.

bats_require_minimum_version 1.5.0

TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
HERE=$TREE/tests/cli
PYTHON=/usr/bin/python3
BINDGATE=$(realpath "${BINDGATE:-$TREE/build/bindgate}")
BINDGATED=$(realpath "${BINDGATED:-$TREE/build/bindgated}")
CGROUP2=$(awk '$0 ~ / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
BASE=${BINDGATE_TEST_CGROUP:-$CGROUP2/bindgate-test-$PPID}
PINS=${BINDGATE_PIN_DIR:-/sys/fs/bpf/bindgate-test-$PPID}
export BINDGATE BINDGATED NO_COLOR=1 LC_ALL=C

setup() {
	new_room
}

teardown() {
	clear_room
}

new_room() {
	BINDGATE_PIN_DIR=$PINS-cli-$$
	CG=$BASE/cli-$$
	NAME=${CG#"$CGROUP2"}
	export BINDGATE_PIN_DIR CG NAME
	mkdir -p "$CG"
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/cli-XXXXXX")
	chmod 755 "$WORK"
	case ${TMPDIR:-} in */bindgate-test-*) chmod o+x "$TMPDIR" ;; esac
	exec {NET_READY}< <(exec unshare -n sh -c 'ip link set lo up; echo; exec sleep 600' 3>&- 2>/dev/null)
	local holder=$!
	read -r -u "$NET_READY"
	exec {NET}<"/proc/$holder/ns/net"
	exec {NET_READY}<&-
	kill "$holder"
}

clear_room() {
	local try
	[ ! -d "$CG" ] || echo 1 >"$CG/cgroup.kill"
	"$BINDGATE" detach --all >/dev/null 2>&1 || true
	# what a test broke so that bindgate leaves it: a link whose pin goes is detached
	rm -rf "$BINDGATE_PIN_DIR"
	for try in $(seq 50); do
		find "$CG" -depth -type d -exec rmdir {} + 2>/dev/null
		[ -d "$CG" ] || break
		sleep 0.05
	done
	[ -n "${BINDGATE_TEST_CGROUP:-}" ] || rmdir "$BASE" 2>/dev/null || true
	rm -rf "$WORK"
}

bindgate() {
	"$BINDGATE" "$@"
}

in_cgroup() { # CGROUP COMMAND...
	(
		echo "$BASHPID" >"$1/cgroup.procs" || exit
		shift
		exec "$@"
	)
}

in_net() {
	nsenter --net="/proc/self/fd/$NET" "$@"
}

# Sets $pid to the process in the cgroup, once it is the program that it was started to be.
wait_for() { # CGROUP PROGRAM
	until read -r pid <"$1/cgroup.procs" && [ "$(cat "/proc/$pid/comm")" = "$2" ]; do sleep 0.01; done 2>/dev/null
}

AS_NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps -all --ambient-caps -all
	--bounding-set -all)

# Runs the command in the gate's cgroup and the network namespace, without any privilege.
served() {
	in_cgroup "$CG" nsenter --net="/proc/self/fd/$NET" "${AS_NOBODY[@]}" "$@"
}

# Binds as uid 65534 without capabilities: binds [--uid UID] 'tcp 127.0.0.1 80'... prints a line each, "ok ADDRESS
# PORT" or the errno's name. In $CG, or where $AT says.
binds() {
	in_cgroup "${AT:-$CG}" nsenter --net="/proc/self/fd/$NET" "$PYTHON" -IS "$HERE/binder.py" "$@"
}

# Port 80 over IPv4 and IPv6 at once.
both_80() {
	binds 'tcp 0.0.0.0 80' 'tcp :: 80'
}

GRANTED=$'ok 0.0.0.0 80\nok :: 80'
REFUSED=$'EACCES\nEACCES'

id_of() {
	stat -c %i "$1"
}

# Evaluates a Python expression over the JSON on standard input, `d`; prints it with sorted keys.
json() {
	"$PYTHON" -IS -c 'import json, sys
d = json.load(sys.stdin)
print(json.dumps(eval(sys.argv[1]), sort_keys=True))' "$1"
}

# Rules as the kernel has them, one line, those of gate $1 (its cgroup's path; $CG where not given).
rules_of() {
	bindgate list -j | json "' '.join(r['rule'] for g in d['gates'] if g['path'] == '${1:-$CG}' for r in g['rules'])" |
		tr -d '"'
}

# Until the command succeeds, or the looking has cost ten seconds of CPU time: others pass on a busy machine as well.
eventually() {
	local end SPENT
	spend
	end=$((SPENT + 6000))
	while ! "$@"; do
		spend
		if [ "$SPENT" -ge "$end" ]; then
			echo "never: $*" >&2
			[ ! -e "$WORK/stderr" ] || cat "$WORK/stderr" >&2
			return 1
		fi
		sleep 0.02
	done
}

# Sets $SPENT to the CPU time of this shell and of what it has waited for, in hundredths of a second.
spend() {
	local stat
	read -r -a stat </proc/self/stat
	SPENT=$((stat[13] + stat[14] + stat[15] + stat[16]))
}

equal() { # WHAT GOT WANTED
	[ "$2" = "$3" ] && return
	printf '%s:\n-- got\n%s\n-- wanted\n%s\n' "$1" "$2" "$3" >&2
	return 1
}

# The last `run` ended so, with these words in its output.
ended() { # STATUS TEXT
	if [ "$status" -ne "$1" ] || [[ $output != *"$2"* ]]; then
		printf -- '-- status %s, output\n%s\n-- wanted %s with\n%s\n' "$status" "$output" "$1" "$2" >&2
		return 1
	fi
}

# Programs on the cgroup's bind hooks.
attached() { # CGROUP
	bpftool cgroup show "$1" | grep -c 'inet[46]_bind' || true
}

# How many watchers the programs write to.
watchers() {
	bpftool -j map dump pinned "$BINDGATE_PIN_DIR/core/watching" 2>/dev/null |
		"$PYTHON" -IS -c 'import json, sys
try: print(bin(int(json.load(sys.stdin)[0]["value"][0], 16)).count("1"))
except ValueError: print(0)'
}

# Nothing of a killed command is left.
no_leftovers() {
	! find "$BINDGATE_PIN_DIR" \( -name 'new-*' -o -name 'old-*' \) 2>/dev/null | grep .
}
