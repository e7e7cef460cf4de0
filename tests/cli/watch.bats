#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Decisions as they happen, to every watcher, and none lost in silence.

load common

# Starts `bindgate watch ARGUMENT...` with its output in $WORK/NAME, and waits until it watches.
watch() { # NAME ARGUMENT...
	local name=$1 slots
	shift
	slots=$(watchers)
	"$BINDGATE" watch "$@" >"$WORK/$name" 2>"$WORK/$name.err" 3>&- &
	until [ "$(watchers)" -gt "$slots" ] || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
}

@test "watch prints one object a line, as documented" {
	bindgate attach "$CG" 80 deny:8080 3000=127.0.0.1:81
	watch out --json --count 4
	binds 'tcp 127.0.0.1 80' 'udp ::1 8080' 'tcp 0.0.0.0 3000' 'tcp 127.0.0.1 9000'
	wait
	equal keys "$(head -n 1 "$WORK/out" | "$PYTHON" -c 'import json, sys; print(*json.loads(sys.stdin.read()))')" \
		"time cgroup id pid uid gid comm family protocol asked given verdict rule audit"
	equal lines "$("$PYTHON" -c 'import json, sys
for line in sys.stdin:
	e = json.loads(line)
	print(e["cgroup"] == sys.argv[1], e["id"] == int(sys.argv[2]), e["uid"], e["gid"], e["comm"], e["family"], e["protocol"],
	      e["asked"]["address"], e["asked"]["port"], e["given"]["address"], e["given"]["port"], e["verdict"], e["rule"], e["audit"])' \
		"$NAME" "$(id_of "$CG")" <"$WORK/out")" \
		"True True 65534 65534 python3 ipv4 tcp 127.0.0.1 80 127.0.0.1 80 allow 80 False
True True 65534 65534 python3 ipv6 udp ::1 8080 ::1 8080 deny deny:8080 False
True True 65534 65534 python3 ipv4 tcp 0.0.0.0 3000 127.0.0.1 81 rewrite 3000=127.0.0.1:81 False
True True 65534 65534 python3 ipv4 tcp 127.0.0.1 9000 127.0.0.1 9000 pass None False"
	[[ $(head -n 1 "$WORK/out") == '{"time":"'"$(date -u +%Y-)"* ]]
}

@test "watch for people: plain lines into a pipe, a coloured table on a terminal" {
	bindgate attach "$CG" 80 deny:8080
	watch out --count 2
	binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 8080'
	wait
	equal lines "$(wc -l <"$WORK/out")" 2
	grep -Eq "^[0-9:.]{12} [0-9]+/python3 +65534 +$NAME +tcp +127.0.0.1:80 +allow +127.0.0.1:80 +80\$" "$WORK/out"
	grep -Eq " +127.0.0.1:8080 +deny +- +deny:8080\$" "$WORK/out"
	unset NO_COLOR
	script -qec "$BINDGATE watch --count 1" "$WORK/tty" >/dev/null 3>&- &
	until [ "$(watchers)" = 1 ]; do sleep 0.02; done
	binds 'tcp 127.0.0.1 8080'
	wait
	grep -q 'TIME .*PROCESS .*RULE' "$WORK/tty"
	grep -q $'\e\\[31mdeny' "$WORK/tty"
}

@test "watch names UDP-Lite, takes MPTCP for the TCP that it binds, and shows what audit lets through" {
	bindgate attach --audit "$CG" deny:80
	watch out --count 2
	in_cgroup "$CG" nsenter --net="/proc/self/fd/$NET" "$PYTHON" -IS -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).bind(("127.0.0.1", 80))
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, 136).bind(("::1", 80))'
	wait
	equal lines "$(sed -E 's/.*(tcp|udplite) +/\1 /; s/ +/ /g' "$WORK/out")" "tcp 127.0.0.1:80 deny 127.0.0.1:80 deny:80 (audit: not enforced)
udplite [::1]:80 deny [::1]:80 deny:80 (audit: not enforced)"
}

@test "watch filters by cgroup, verdict and port" {
	mkdir "$CG/a" "$CG/b"
	bindgate attach "$CG/a" 80 deny:8080
	bindgate attach "$CG/b" 80 3000=81
	watch a "$CG/a" -j --count 2
	watch denied --verdict deny --verdict rewrite -j --count 2
	watch port --port 81 -j --count 1
	AT=$CG/b binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 3000'
	AT=$CG/a binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 8080'
	wait
	equal a "$(grep -o '"rule":"[^"]*"' "$WORK/a" | xargs)" "rule:80 rule:deny:8080"
	equal denied "$(grep -o '"rule":"[^"]*"' "$WORK/denied" | xargs)" "rule:3000=81 rule:deny:8080"
	equal port "$(grep -o '"rule":"[^"]*"' "$WORK/port" | xargs)" "rule:3000=81"
}

@test "watch ends with its gate, its reader and on SIGINT" {
	bindgate attach "$CG" 80
	watch gate "$CG"
	bindgate detach "$CG"
	wait $!
	equal gone "$(cat "$WORK/gate.err")" "bindgate: the gate is gone"
	bindgate attach "$CG" 80
	bash -c '"$BINDGATE" watch | sleep 0.3' 3>&- # its reader goes without an event
	watch interrupted
	kill -INT $!
	wait $!
	equal slots "$(watchers)" 0
	run -3 bindgate watch "$CGROUP2"
}

@test "the ninth watcher is refused, and one that was killed frees its slot" {
	bindgate attach "$CG" 80
	local pids=() i
	for i in 1 2 3 4 5 6 7 8; do
		watch "$i"
		pids+=($!)
	done
	run -1 --separate-stderr bindgate watch
	equal refused "$stderr" "bindgate: 8 watchers are at work already, the most that there can be: end one of them"
	kill -9 "${pids[3]}"
	wait "${pids[3]}" || true
	"$BINDGATE" watch --count 1 >"$WORK/again" 3>&- &
	local again=$!
	# it takes the slot of the one that was killed, and ends once it sees a bind
	until ! kill -0 "$again" 2>/dev/null; do binds 'tcp 127.0.0.1 80' >/dev/null; done
	equal slots "$(watchers)" 7
	kill "${pids[@]}" 2>/dev/null || true
	wait
	equal seen "$(wc -l <"$WORK/again")" 1
	[ "$(wc -l <"$WORK/1")" -ge 1 ]
	bindgate list
	equal slots "$(watchers)" 0
}

# How many binds a watcher told of, or told as lost.
told_of() {
	"$PYTHON" -c 'import sys
print(sum(int(line[8:-2]) if line.startswith("{\"lost\":") else 1 for line in sys.stdin if line.endswith("\n")))' <"$WORK/$1"
}

@test "100,000 binds with 8 watchers: each event comes or is told as lost" {
	bindgate attach "$CG" 80
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		watch "$i" --json
		pids+=($!)
	done
	AT=$CG binds --count 100000 'udp 127.0.0.1 80' >/dev/null
	equal counted "$(bindgate list -j | json "d['gates'][0]['rules'][0]['hits']")" 100000
	for i in 1 2 3 4 5 6 7 8; do
		eventually eval '[ "$(told_of "$i")" -ge 100000 ]'
	done
	kill "${pids[@]}"
	wait
	for i in 1 2 3 4 5 6 7 8; do
		equal "watcher $i" "$(told_of "$i")" 100000
	done
}

@test "audit: would-be denies are marked, counted and not enforced" {
	bindgate attach --audit --default deny "$CG" 80
	watch out -j --count 2
	equal binds "$(binds 'tcp 127.0.0.1 8080' 'tcp 127.0.0.1 80')" $'ok 127.0.0.1 8080\nok 127.0.0.1 80'
	wait
	equal events "$(grep -o '"verdict".*' "$WORK/out")" '"verdict":"deny","rule":null,"audit":true}
"verdict":"allow","rule":"80","audit":false}'
	[[ $(bindgate list) == *"default deny, audit"*"1 denied (not enforced: audit)"* ]]
	equal json "$(bindgate list -j | json "[d['gates'][0]['audit'], d['gates'][0]['verdicts']['deny']]")" "[true, 1]"
	bindgate attach --default deny "$CG" 80
	equal enforced "$(binds 'tcp 127.0.0.1 8080')" EACCES
}
