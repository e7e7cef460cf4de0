#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bindgated: gates follow cgroups that come and go, and a configuration that changes.

load common

@test "cgroups are gated when they appear, and collected when they go" {
	mkdir "$CG/there"
	configure <<-END
		gates:
		- {cgroup: $NAME/there, rules: [80/tcp]}
		- {cgroup: $NAME/deep/er/still, rules: [81/tcp]}
		- {cgroup: "$NAME/web@*", default: deny, rules: [82/tcp]}
		- {cgroup: "$NAME/pool*/w*", rules: [83/tcp]}
	END
	start_daemon
	gated 80/tcp "$CG/there"
	mkdir -p "$CG/deep/er/still" "$CG/web@1" "$CG/web@2" "$CG/other" "$CG/pool1/w1" "$CG/pool1/x" "$CG/pool2/w9"
	eventually gated 81/tcp "$CG/deep/er/still"
	eventually gated 82/tcp "$CG/web@1" "$CG/web@2"
	eventually gated 83/tcp "$CG/pool1/w1" "$CG/pool2/w9"
	ungated "$CG/other" "$CG/pool1/x" "$CG/deep"
	equal binds "$(AT=$CG/web@1 binds 'tcp 127.0.0.1 82' 'tcp 127.0.0.1 8080')" $'ok 127.0.0.1 82\nEACCES'
	rmdir "$CG/web@1" "$CG/deep/er/still" "$CG/deep/er"
	eventually eval '[ "$(ls "$BINDGATE_PIN_DIR/gates" | wc -l)" = 4 ]'
	mkdir -p "$CG/deep/er/still"
	eventually gated 81/tcp "$CG/deep/er/still"
	stop_daemon
	gated 80/tcp "$CG/there" # on_stop: keep
}

@test "what stands is taken over without a gap, what is nobody's wish goes" {
	mkdir "$CG/a" "$CG/b"
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80]}, {cgroup: $NAME/b, rules: [81]}]"
	start_daemon
	stop_daemon
	mkfifo "$WORK/stop"
	AT=$CG/a binds --loop 'tcp 127.0.0.1 80' <>"$WORK/stop" >"$WORK/loop" 3>&- &
	local loop=$!
	eventually grep -q begun "$WORK/loop"
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80, 443]}]"
	start_daemon
	gated '80 443' "$CG/a"
	ungated "$CG/b"
	kill -HUP "$DAEMON"
	stop_daemon
	start_daemon
	echo >"$WORK/stop"
	wait "$loop"
	equal loop "$(tail -n 1 "$WORK/loop" | json "sorted(d['tcp 127.0.0.1 80'])")" '["ok 127.0.0.1 80"]'
}

@test "on_stop: detach" {
	configure <<-END
		daemon:
		  on_stop: detach
		gates: [{cgroup: $NAME, rules: [80]}]
	END
	mkdir "$CG/hand"
	bindgate attach "$CG/hand" 443
	start_daemon
	gated 80 "$CG"
	stop_daemon
	ungated "$CG"
	gated 443 "$CG/hand"
}

@test "a gate made by hand is reported, not stolen, unless adopted" {
	mkdir "$CG/a" "$CG/b"
	bindgate attach "$CG/a" 22
	bindgate attach "$CG/b" 22
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80]}, {cgroup: $NAME/b, rules: [80], adopt: true}]"
	start_daemon
	gated 22 "$CG/a"
	gated 80 "$CG/b"
	grep -q "$NAME/a: a gate of \"cli\" stands there: left alone (adopt: true takes it over)" "$WORK/stderr"
	equal conflicts "$(metric bindgate_conflicts)" 1
	run -0 "$BINDGATED" --config "$CONFIG" status
	ended 0 "$NAME/a"
	ended 0 'a gate of "cli" stands there'
	ended 0 "gated"
	equal owners "$(bindgate list -j | json "[g['owner'] for g in d['gates']]")" '["cli", "bindgated"]'
}

@test "configuration: several files, read anew when they change, the last good one stays" {
	mkdir "$CG/a" "$CG/b" "$WORK/node.d"
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80]}]"
	start_daemon
	echo "gates: [{cgroup: $NAME/b, rules: [81]}]" >"$WORK/node.d/b.yaml"
	eventually gated 81 "$CG/b"
	echo "gates: [{cgroup: $NAME/b, rulez: [82]}]" >"$WORK/node.d/b.yaml"
	eventually grep -q 'b.yaml:1: "rulez" is not a key here; the last good configuration stays in force' "$WORK/stderr"
	gated 81 "$CG/b"
	equal valid "$(metric bindgate_config_valid)" 0
	run -1 "$BINDGATED" --check "$CONFIG"
	equal check "$output" "bindgated: $WORK/node.d/b.yaml:1: \"rulez\" is not a key here"
	echo "gates: [{cgroup: $NAME/a, rules: [82]}]" >"$WORK/node.d/b.yaml"
	run -1 "$BINDGATED" --check "$CONFIG"
	equal twice "$output" "bindgated: the cgroup \"$NAME/a\" is declared in two files"
	rm "$WORK/node.d/b.yaml"
	eventually ungated "$CG/b"
	run -0 "$BINDGATED" --check "$CONFIG"
	equal check "$output" "$CONFIG: sound: 1 gates, 0 kinds of pods"
	# as Kubernetes changes a ConfigMap: by a link
	mkdir "$WORK/v1" "$WORK/v2"
	echo "gates: [{cgroup: $NAME/b, rules: [1]}]" >"$WORK/v1/c.yaml"
	echo "gates: [{cgroup: $NAME/b, rules: [2]}]" >"$WORK/v2/c.yaml"
	ln -s ../v1 "$WORK/node.d/..data"
	ln -s ..data/c.yaml "$WORK/node.d/c.yaml"
	eventually gated 1 "$CG/b"
	ln -s ../v2 "$WORK/node.d/..new"
	mv -T "$WORK/node.d/..new" "$WORK/node.d/..data"
	eventually gated 2 "$CG/b"
}

@test "metrics are as Prometheus wants them" {
	mkdir "$CG/a" "$CG/"'q"u\o'
	configure <<<"gates: [{cgroup: '$NAME/*', rules: [80, 80, 'deny:22']}]"
	start_daemon
	AT=$CG/a binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 22' 'tcp 127.0.0.1 8080'
	sleep 1.1 # an answer is given again for a second
	equal allow "$(metric "bindgate_binds_total{cgroup=\"$NAME/a\",verdict=\"allow\"}")" 1
	equal deny "$(metric "bindgate_binds_total{cgroup=\"$NAME/a\",verdict=\"deny\"}")" 1
	equal rule "$(metric "bindgate_rule_hits_total{cgroup=\"$NAME/a\",rule=\"deny:22\"}")" 1
	equal gates "$(metric bindgate_gates) $(metric bindgate_gates_wanted)" "2 2"
	ask metrics >"$WORK/metrics"
	run -0 promtool check metrics <"$WORK/metrics"
	equal lint "$output" ""
	equal health "$(ask healthz) $(ask readyz)" "ok ready"
	equal nothing "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" http://localhost/nothing)" 404
	equal post "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" -d x http://localhost/metrics)" 405
}

@test "slow and hostile HTTP clients hold nobody up" {
	configure <<<"gates: [{cgroup: '$NAME/w*', rules: [80]}]"
	start_daemon
	"$PYTHON" -IS - "$SOCKET" <<'END' 3>&- &
import os, socket, sys, time
held = []
for i in range(500):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(0.2)
    try:
        s.connect(sys.argv[1])
        s.sendall([b'GET /metr', b'GET / HTTP/1.1\r\nX: ' + b'a' * 60000, os.urandom(500), b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'][i % 4])
    except OSError:
        pass
    held.append(s)
time.sleep(3)
END
	local hostile=$! i
	sleep 0.5
	for i in 1 2 3 4 5; do
		mkdir "$CG/w$i"
		eventually gated 80 "$CG/w$i"
	done
	wait "$hostile"
	eventually eval '[ "$(ask healthz)" = ok ]'
	[ "$(find "/proc/$DAEMON/fd" -type l | wc -l)" -lt 40 ]
}

@test "the log of decisions: JSON lines, all or denies and rewrites, reopened on SIGHUP" {
	configure <<-END
		daemon:
		  log: denied
		  log_to: $WORK/log
		gates: [{cgroup: $NAME, rules: [80, "deny:22", 3000=81]}]
	END
	start_daemon
	binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 22' 'tcp 127.0.0.1 3000'
	eventually eval '[ "$(wc -l <"$WORK/log")" = 2 ]'
	equal verdicts "$(grep -o '"verdict":"[a-z]*"' "$WORK/log" | xargs)" "verdict:deny verdict:rewrite"
	mv "$WORK/log" "$WORK/log.1"
	kill -HUP "$DAEMON"
	eventually test -e "$WORK/log"
	binds 'tcp 127.0.0.1 22'
	eventually eval '[ "$(wc -l <"$WORK/log")" = 1 ]'
	equal old "$(wc -l <"$WORK/log.1")" 2
	# watch works meanwhile
	"$BINDGATE" watch -j --count 1 >"$WORK/watched" 3>&- &
	sleep 0.5
	binds 'tcp 127.0.0.1 22'
	wait $!
	equal watched "$(wc -l <"$WORK/watched")" 1
}

@test "the log is held to its rate, and what was dropped is told" {
	configure <<-END
		daemon:
		  log: all
		  log_rate: 10
		gates: [{cgroup: $NAME, rules: [80]}]
	END
	start_daemon
	binds --count 500 'udp 127.0.0.1 80'
	eventually grep -q dropped "$WORK/stdout"
	sleep 1.2
	equal all "$("$PYTHON" -c 'import json, sys
events = [json.loads(line) for line in sys.stdin]
print(sum(e.get("dropped", 0) + e.get("lost", 0) if "dropped" in e else 1 for e in events))' <"$WORK/stdout")" 500
	[ "$(grep -c '"verdict"' "$WORK/stdout")" -le 30 ]
}

@test "the log is switched off a moment after a decision" {
	configure <<-END
		daemon:
		  log: all
		gates: [{cgroup: $NAME, rules: [80]}]
	END
	start_daemon
	binds 'udp 127.0.0.1 80'
	eventually grep -q '"verdict":"allow"' "$WORK/stdout"
	sed -i 's/log: all/log: none/' "$CONFIG"
	kill -HUP "$DAEMON"
	sleep 1.5
	ready
	stop_daemon
}

@test "a full disk under the log: told, dropped, and the gates go on" {
	configure <<-END
		daemon:
		  log: all
		  log_to: /dev/full
		gates: [{cgroup: "$NAME/*", rules: [80]}]
	END
	mkdir "$CG/a"
	start_daemon
	AT=$CG/a binds --count 50 'udp 127.0.0.1 80'
	eventually grep -q 'cannot write the log: No space left on device; decisions are dropped until it can be' "$WORK/stderr"
	equal "told once" "$(grep -c 'cannot write the log' "$WORK/stderr")" 1
	mkdir "$CG/b"
	eventually gated 80 "$CG/b"
	[ "$(metric bindgate_log_dropped_total)" -ge 50 ]
}

@test "unit:NAME finds a unit in slices, and not what others call so" {
	configure <<<"gates: [{cgroup: unit:bgweb$$, rules: [80]}]"
	local slice=$CGROUP2/bgtest$$.slice
	start_daemon
	mkdir -p "$slice/bgtest$$-more.slice/bgweb$$.service" "$CG/bgweb$$.service" "$slice/user.scope/bgweb$$.service"
	eventually gated 80 "$slice/bgtest$$-more.slice/bgweb$$.service"
	ungated "$CG/bgweb$$.service" "$slice/user.scope/bgweb$$.service"
	stop_daemon
	find "$slice" -depth -type d -exec rmdir {} +
}

@test "sd_notify: ready, reloading, watchdog, stopping" {
	configure <<<"gates: [{cgroup: $NAME, rules: [80]}]"
	"$PYTHON" -IS - "$WORK/notify" >"$WORK/notes" <<'END' 3>&- &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    note = s.recv(4096).decode()
    print(note.replace('\n', ' '), flush=True)
    if note.startswith('STOPPING'):
        break
END
	local listener=$!
	eventually test -S "$WORK/notify"
	NOTIFY_SOCKET=$WORK/notify WATCHDOG_USEC=200000 start_daemon
	eventually eval '[ "$(grep -c WATCHDOG=1 "$WORK/notes")" -ge 5 ]'
	kill -HUP "$DAEMON"
	eventually grep -q '^RELOADING=1 MONOTONIC_USEC=' "$WORK/notes"
	stop_daemon
	wait "$listener"
	equal order "$(grep -v WATCHDOG "$WORK/notes" | cut -d= -f1 | xargs)" "READY RELOADING READY STOPPING"
}

@test "nothing happens: nothing is done" {
	mkdir "$CG/a"
	configure <<-END
		daemon: {log: all}
		gates: [{cgroup: "$NAME/*", rules: [80]}]
	END
	sed -i "s|daemon:.*|daemon: {log: all, listen: \"unix:$SOCKET\"}|; /^  listen/d" "$CONFIG"
	start_daemon
	switches() {
		awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$DAEMON/status"
	}
	# three seconds without a wake-up; what the start left to do may take a while on a busy machine
	local before try
	for try in 1 2 3; do
		before=$(switches)
		sleep 3
		[ "$(switches)" != "$before" ] || return 0
	done
	echo "woken up in each of $try times 3 s" >&2
	return 1
}

@test "where it is to be asked, and who answers there" {
	configure <<<"gates: []"
	sed -i 's|listen: .*|listen: "127.0.0.1:99999"|' "$CONFIG"
	run -1 "$BINDGATED" --check "$CONFIG"
	equal check "$output" 'bindgated: daemon.listen is none, 127.0.0.1:PORT, [::1]:PORT or unix:/PATH, not "127.0.0.1:99999"'
	sed -i 's|listen: .*|listen: none|' "$CONFIG"
	run -1 "$BINDGATED" --config "$CONFIG" status
	equal none "$output" 'bindgated: daemon.listen is none: the daemon cannot be asked'
	configure <<<"gates: []"
	# anybody may listen there while no daemon does: what they say must not move the cursor
	"$PYTHON" -IS - "$SOCKET" <<'END' 3>&- &
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + '.new')
s.listen()
os.rename(sys.argv[1] + '.new', sys.argv[1])
for answer in '{"version": "1\\u001b[2J", "gates": [{}]}', '{"version": "\\u009b"}', '7', '':
    c = s.accept()[0]
    c.recv(4096)
    c.sendall(b'HTTP/1.0 200 OK\r\n\r\n' + answer.encode())
    c.close()
END
	local impostor=$!
	eventually test -S "$SOCKET"
	run -0 "$BINDGATED" --config "$CONFIG" status
	equal lines "$output" $'bindgated 1\\x1b[2J, configuration refused: the last good one is in force\n  '"$(printf '%-48s %-6s' '?' '?') gated"
	run -0 "$BINDGATED" --config "$CONFIG" status --json
	equal json "$output" $'{\n  "version": "\\u009B"\n}'
	for _ in 7 nothing; do
		run -1 "$BINDGATED" --config "$CONFIG" status
		equal line "$output" 'bindgated: the answer is no status'
	done
	wait "$impostor"
}
