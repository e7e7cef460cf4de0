#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# watch --refused: every bind that the machine refuses, why, and the line that grants it. The machine is not ours alone:
# others may be refused meanwhile.

load common

# Starts `bindgate watch --refused ARGUMENT...` into $WORK/out, with tracefs for kernels that show refusals by tracepoints alone.
watch_refused() {
	unshare --mount --propagation private bash -c \
		'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"' \
		bash "$BINDGATE" watch --refused "$@" >"$WORK/out" 2>"$WORK/err" 3>&- &
	watcher=$!
}

# Binds again and again until the watcher's output, from there on, has a line like that.
until_told() { # PATTERN BIND...
	local pattern=$1
	shift
	for _ in $(seq 600); do
		! grep -Eq -- "$pattern" "$WORK/out" || return 0
		kill -0 "$watcher" || { cat "$WORK/out" "$WORK/err" >&2; return 1; }
		binds "$@" >/dev/null
		sleep 0.1
	done
	echo "-- never told: $pattern, but" >&2
	cat "$WORK/out" "$WORK/err" >&2
	return 1
}

end_watcher() {
	kill "$watcher"
	wait "$watcher"
}

@test "a privileged port: the line that it prints grants it" {
	watch_refused
	until_told "EACCES 127.0.0.1:81/tcp, python3 \([0-9]+\), uid 65534, in $NAME\$" 'tcp 127.0.0.1 81'
	until_told "^    bindgate attach $NAME 81/tcp\$" 'tcp 127.0.0.1 81'
	end_watcher
	[ ! -e "$BINDGATE_PIN_DIR" ] # it leaves nothing
	PATH=${BINDGATE%/*}:$PATH bash -c "$(grep -m 1 "bindgate attach $NAME 81/tcp" "$WORK/out")"
	equal bind "$(binds 'tcp 127.0.0.1 81')" "ok 127.0.0.1 81"
}

@test "a gate that denies, a port that is held" {
	bindgate attach "$CG" deny:8081/udp
	watch_refused
	until_told "(EACCES|EPERM) \[::1\]:8081/udp, python3 .*in $NAME\$" 'udp ::1 8081'
	until_told '^    a gate denies it; this would grant it:$' 'udp ::1 8081'
	nsenter --net="/proc/self/fd/$NET" "$PYTHON" -IS -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 8082)); s.listen(); print(flush=True); time.sleep(600)' >"$WORK/holds" 2>/dev/null 3>&- &
	holder=$!
	until [ -s "$WORK/holds" ]; do sleep 0.02; done
	until_told "EADDRINUSE 127.0.0.1:8082/tcp, python3 .*in $NAME\$" 'tcp 127.0.0.1 8082'
	until_told "^    held by python3 \($holder\)\$|^    whoever held it" 'tcp 127.0.0.1 8082'
	kill "$holder"
	end_watcher
}

@test "who tries again and again is a line with a count" {
	watch_refused
	until_told "127.0.0.1:83/tcp, python3 .*in $NAME, [0-9]+ times so far\$" 'tcp 127.0.0.1 83'
	equal 'first line' "$(grep -c "127.0.0.1:83/tcp, python3 .*in $NAME\$" "$WORK/out")" 1
	end_watcher
}

@test "one object a line as JSON, and names that would be commands are quoted" {
	local evil="$CG/a\$(touch pwned);b"
	mkdir "$evil"
	watch_refused --json
	AT=$evil until_told '"port":84' 'udp 127.0.0.1 84'
	end_watcher
	remedy=$(grep -m 1 '"port":84' "$WORK/out" | "$PYTHON" -IS -c 'import json, sys
e = json.loads(sys.stdin.readline())
assert list(e) == "time cgroup id pid uid gid comm family protocol asked errno cause remedy holders times".split(), list(e)
assert (e["errno"], e["cause"], e["uid"], e["times"]) == ("EACCES", "privilege", 65534, 1), e
assert e["asked"] == {"address": "127.0.0.1", "port": 84}, e
print(e["remedy"])')
	(cd "$WORK" && PATH=${BINDGATE%/*}:$PATH bash -c "$remedy")
	[ ! -e "$WORK/pwned" ]
	equal bind "$(AT=$evil binds 'udp 127.0.0.1 84')" "ok 127.0.0.1 84"
}

@test "what does not go with it is told, and so is a user's lack of rights" {
	run -2 bindgate watch --refused --port 80
	ended 2 "--refused shows every refusal of the machine: it goes with --count alone"
	run -1 "${AS_NOBODY[@]}" "$BINDGATE" watch --refused
	ended 1 "must be run as root (try sudo)"
}
