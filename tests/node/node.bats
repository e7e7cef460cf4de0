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
	eventually eval '[ "$(watchers)" = 2 ]'
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
	configure <<<"gates: [{cgroup: unit:bgweb$$, rules: [80]}, {cgroup: 'unit:bgweb@a.example$$', rules: [81]}, {cgroup: unit:cgroup.bgweb$$, rules: [82]}]"
	local slice=$CGROUP2/bgtest$$.slice
	start_daemon
	mkdir -p "$slice/bgtest$$-more.slice/"{,bgweb@a.example,_cgroup.bgweb}$$.service "$slice/bgtest$$-more.slice/bgweb$$.service" "$CG/bgweb$$.service" "$slice/user.scope/bgweb$$.service"
	eventually gated 80 "$slice/bgtest$$-more.slice/bgweb$$.service"
	eventually gated 81 "$slice/bgtest$$-more.slice/bgweb@a.example$$.service"
	eventually gated 82 "$slice/bgtest$$-more.slice/_cgroup.bgweb$$.service" # as systemd writes what looks like a cgroup's file
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

# The daemon ends at once, with this one line.
ends() { # STATUS LINE ARGUMENT...
	local wanted=$1 line=$2
	shift 2
	run "-$wanted" "$BINDGATED" "$@"
	equal "bindgated $*" "$output" "$line"
}

@test "command lines, and configurations that it does not start with" {
	ends 2 'bindgated: --nope is not an option here, or its value is missing; see bindgated --help' --nope
	ends 2 'bindgated: there is nothing like "x"; see bindgated --help' x
	run -0 "$BINDGATED" --help
	ended 0 "bindgated status [--json]"
	ends 1 "bindgated: cannot read $CONFIG: No such file or directory" --config "$CONFIG"
	echo 'gates: [{cgroup: /a, rulez: [80]}]' >"$CONFIG"
	ends 1 "bindgated: $CONFIG:1: \"rulez\" is not a key here" --config "$CONFIG"
	echo 'gates: []' >"$CONFIG"
	ends 1 "bindgated: the pin directory /tmp is not in a bpf file system: choose one below /sys/fs/bpf" --config "$CONFIG" --pin-dir /tmp
	cp "$BINDGATED" "$WORK/bindgated"
	run -1 setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/bindgated" --config "$CONFIG"
	equal nobody "$output" "bindgated: must be run as root (try sudo)"
	run -1 env JOURNAL_STREAM=1:2 "$BINDGATED" --config "$WORK/nosuch.yaml"
	equal priority "$output" "<3>cannot read $WORK/nosuch.yaml: No such file or directory"
}

@test "what --check refuses, over several files" {
	mkdir "$WORK/node.d"
	refuses() { # LINE CONFIG OTHER-FILE
		echo "$2" >"$CONFIG"
		echo "$3" >"$WORK/node.d/b.yaml"
		ends 1 "bindgated: $1" --check "$CONFIG"
	}
	local key
	for key in 'on_stop: keep' 'listen: none' 'log: all' 'log_to: stdout' 'log_rate: 5' 'cri: /x' 'kubepods: /k'; do
		refuses "$WORK/node.d/b.yaml: daemon.${key%%:*} is declared in another file too" "daemon: {$key}" "daemon: {$key}"
	done
	refuses 'daemon.log_rate is a number from 1' 'daemon: {log_rate: 0}' 'gates: []'
	local at
	for at in localhost:80 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:80x '[::1:80' '[x]:80' unix:relative "unix:/$(printf 'a%.0s' {1..120})"; do
		refuses "daemon.listen is none, 127.0.0.1:PORT, [::1]:PORT or unix:/PATH, not \"${at:0:64}\"" "daemon: {listen: \"$at\"}" 'gates: []'
	done
	echo 'daemon: {listen: "[::1]:80"}' >"$CONFIG"
	run -0 "$BINDGATED" --check "$CONFIG"
}

@test "it listens where it is told to, also when that changes" {
	at() {
		printf 'daemon: {listen: "%s"}\n' "$1" >"$CONFIG"
		[ -z "${DAEMON:-}" ] || kill -HUP "$DAEMON"
	}
	answers() {
		[ "$(in_net curl -s --max-time 5 -g "http://$1/healthz")" = ok ]
	}
	echo 'gates: []' >"$CONFIG"
	nsenter --net="/proc/self/fd/$NET" "$BINDGATED" --config "$CONFIG" 2>>"$WORK/stderr" 3>&- &
	DAEMON=$!
	eventually answers 127.0.0.1:9632
	at 127.0.0.1:9633
	eventually answers 127.0.0.1:9633
	! answers 127.0.0.1:9632
	at '[::1]:9634'
	eventually answers '[::1]:9634'
	run -0 in_net "$BINDGATED" --config "$CONFIG" status
	ended 0 "configuration as in the files"
	nsenter --net="/proc/self/fd/$NET" "$PYTHON" -m http.server 9635 --bind 127.0.0.1 --directory "$WORK/node.d" >"$WORK/other" 2>&1 3>&- &
	local other=$!
	eventually eval 'in_net curl -s -o /dev/null http://127.0.0.1:9635/'
	at 127.0.0.1:9635
	eventually grep -q '^bindgated: cannot listen on 127.0.0.1:9635: Address already in use$' "$WORK/stderr"
	run -1 in_net "$BINDGATED" --config "$CONFIG" status
	equal other "$output" "bindgated: the answer is no status"
	kill "$other"
	wait "$other" || true
	eventually answers 127.0.0.1:9635 # tried again
	touch "$WORK/file"
	at "unix:$WORK/file"
	eventually grep -q "^bindgated: cannot listen on unix:$WORK/file: Address already in use\$" "$WORK/stderr"
	[ -f "$WORK/file" ]
	at localhost:1
	eventually grep -q 'daemon.listen is none, 127.0.0.1:PORT, \[::1\]:PORT or unix:/PATH, not "localhost:1"' "$WORK/stderr"
	at none
	eventually eval '[ "$(grep -c "are declared" "$WORK/stderr")" = 6 ]'
	run -1 "$BINDGATED" --config "$CONFIG" status
	equal none "$output" "bindgated: daemon.listen is none: the daemon cannot be asked"
	at "unix:$SOCKET"
	eventually ready
	stop_daemon
	run -1 "$BINDGATED" --config "$CONFIG" status
	equal gone "$output" "bindgated: no bindgated answers on unix:$SOCKET: No such file or directory"
}

@test "a gate that cannot be had: told once, in status and metrics, and made when it can be" {
	mkdir "$CG/a"
	exec {crowd}< <(exec "$PYTHON" -IS "$TREE/tests/cli/bpf.py" crowd "$CG/a" bind4 64 < <(exec sleep 60 2>&- 3>&-) 3>&-)
	local holder=$! count
	read -r -u "$crowd" count
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80]}]"
	start_daemon
	run -0 "$BINDGATED" --config "$CONFIG" status --json
	equal status "$(json "[g['problem'][:60] for g in d['gates']]" <<<"$output")" "[\"$(printf '%.60s' "$CG/a has 64 programs on its bind hooks already, the most")\"]"
	equal conflicts "$(metric bindgate_conflicts)" 1
	[ "$(metric 'bindgate_errors_total{reason="attach"}')" -ge 1 ]
	kill -HUP "$DAEMON"
	eventually eval '[ "$(grep -c "are declared" "$WORK/stderr")" = 2 ]'
	equal once "$(grep -c 'has 64 programs on its bind hooks already' "$WORK/stderr")" 1
	kill "$holder"
	eventually gated 80 "$CG/a" # by itself: it is tried again
}

@test "pins that others may write, and foreign things among them: told, and taken up when they are well again" {
	mkdir "$CG/a"
	configure <<<"gates: [{cgroup: '$NAME/*', rules: [80]}]"
	start_daemon
	chmod 777 "$BINDGATE_PIN_DIR"
	mkdir "$CG/b"
	eventually grep -q "^bindgated: the pin directory $BINDGATE_PIN_DIR is open to other users" "$WORK/stderr"
	[ ! -e "$BINDGATE_PIN_DIR/gates/$(id_of "$CG/b")" ]
	chmod 700 "$BINDGATE_PIN_DIR"
	kill -HUP "$DAEMON"
	eventually gated 80 "$CG/b"
	mkdir "$BINDGATE_PIN_DIR/gates/$(id_of "$CG/b")/mine"
	configure <<<"gates: [{cgroup: '$NAME/a', rules: [80]}]"
	eventually grep -q 'bindgate did not make what is in there: take it out by hand' "$WORK/stderr"
	equal ended "$(attached "$CG/b")" 0
	sleep 1.1 # an answer is given again for a second
	[ "$(metric 'bindgate_errors_total{reason="detach"}')" -ge 1 ]
}

@test "a user that a rule names and that is gone: told, and the other gates are made" {
	cp /etc/passwd "$WORK/passwd"
	echo 'bgtest:x:4242:4242::/:/bin/sh' >>"$WORK/passwd"
	configure <<<"gates: [{cgroup: '$NAME/a', rules: ['80,uid=bgtest']}, {cgroup: '$NAME/b', rules: [81]}]"
	start_daemon unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$WORK/passwd"
	mkdir "$CG/a"
	eventually gated 80,uid=4242 "$CG/a"
	rmdir "$CG/a"
	configure <<<"gates: [{cgroup: '$NAME/a', rules: ['80,uid=bgtest']}, {cgroup: '$NAME/b', rules: [81]}, {cgroup: '$NAME/c', rules: [82]}]"
	eventually grep -q '3 gates and' "$WORK/stderr"
	cat /etc/passwd >"$WORK/passwd"
	mkdir "$CG/a" "$CG/b"
	eventually gated 81 "$CG/b"
	ungated "$CG/a"
	grep -q 'there is no user "bgtest" here' "$WORK/stderr"
}

@test "watches of a pattern that is declared no more are given back" {
	mkdir -p "$CG/pool1/x" "$CG/pool2/x"
	configure <<<"gates: [{cgroup: '$NAME/a', rules: [80]}]"
	start_daemon
	local before
	before=$(metric bindgate_watches)
	configure <<<"gates: [{cgroup: '$NAME/pool*/*/w', rules: [80]}]"
	sleep 1.1 # an answer is given again for a second
	eventually eval '[ "$(metric bindgate_watches)" = $((before + 4)) ]'
	configure <<<"gates: [{cgroup: '$NAME/a', rules: [80]}]"
	sleep 1.1
	eventually eval '[ "$(metric bindgate_watches)" = '"$before"' ]'
	mkdir "$CG/a"
	eventually gated 80 "$CG/a"
}

@test "the log in journald, or where there is none" {
	mkdir "$WORK/journal"
	configure <<-END
		daemon:
		  log: all
		  log_to: journald
		gates: [{cgroup: $NAME, rules: [80, "deny:22"]}]
	END
	local own_run=(unshare --mount sh -c 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd && ln -s "$0" /run/systemd/journal && exec "$@"' "$WORK/journal")
	start_daemon "${own_run[@]}"
	grep -q '^bindgated: cannot open the log of journald: No such file or directory; decisions are dropped' "$WORK/stderr"
	stop_daemon
	"$PYTHON" -IS - "$WORK/journal/socket" >"$WORK/entries" <<'END' 3>&- &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
for _ in range(2):
    print(s.recv(65536).decode(), end='--\n', flush=True)
END
	local journal=$!
	eventually test -S "$WORK/journal/socket"
	start_daemon "${own_run[@]}"
	binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 22'
	wait "$journal"
	equal entries "$(grep -v '^MESSAGE=' "$WORK/entries")" "PRIORITY=6
SYSLOG_IDENTIFIER=bindgated
BINDGATE_VERDICT=allow
--
PRIORITY=5
SYSLOG_IDENTIFIER=bindgated
BINDGATE_VERDICT=deny
--"
	equal rules "$(sed -n 's/^MESSAGE=//p' "$WORK/entries" | grep -o '"rule":"[^"]*"' | xargs)" "rule:80 rule:deny:22"
}

@test "a log that nobody reads holds nobody up, and what was dropped is told when it is read again" {
	mkfifo "$WORK/pipe"
	exec 8<>"$WORK/pipe"
	configure <<-END
		daemon:
		  log: all
		  log_rate: 100000
		gates: [{cgroup: "$NAME/*", rules: [80]}]
	END
	mkdir "$CG/a"
	"$BINDGATED" --config "$CONFIG" >&8 2>>"$WORK/stderr" 8>&- 3>&- &
	DAEMON=$!
	eventually ready
	AT=$CG/a binds --count 2000 'udp 127.0.0.1 80'
	eventually grep -q '^bindgated: cannot write the log: Resource temporarily unavailable; decisions are dropped' "$WORK/stderr"
	mkdir "$CG/b"
	eventually gated 80 "$CG/b"
	timeout 3 cat <&8 >"$WORK/read" || true
	AT=$CG/a binds 'udp 127.0.0.1 80'
	timeout 3 cat <&8 >>"$WORK/read" || true
	equal all "$("$PYTHON" -c 'import json, sys
events = [json.loads(line) for line in sys.stdin]
print(sum(e["dropped"] + e["lost"] if "dropped" in e else 1 for e in events))' <"$WORK/read")" 2001
	exec 8>&-
}

@test "a log that cannot be had: told, and the gates are made" {
	mkdir "$CG/a"
	configure <<-END
		daemon:
		  log: all
		  log_to: $WORK/nosuch/log
		gates: [{cgroup: "$NAME/*", rules: [80]}]
	END
	start_daemon
	gated 80 "$CG/a"
	AT=$CG/a binds 'udp 127.0.0.1 80'
	grep -q "^bindgated: cannot open the log $WORK/nosuch/log: No such file or directory; decisions are dropped until it can be\$" "$WORK/stderr"
	stop_daemon
	local i
	for i in 1 2 3 4 5 6 7 8; do
		"$BINDGATE" watch >/dev/null 3>&- &
	done
	eventually eval '[ "$(bpftool -j map dump pinned "$BINDGATE_PIN_DIR/core/watching" | json "d[0][\"value\"][0]")" = "\"0xff\"" ]'
	start_daemon
	grep -q '^bindgated: decisions are not logged: 8 watchers are at work already' "$WORK/stderr"
	gated 80 "$CG/a"
	kill $(jobs -p | grep -vx "$DAEMON")
}

@test "sd_notify: an abstract socket, and none that can be" {
	configure <<<"gates: [{cgroup: $NAME, rules: [80]}]"
	"$PYTHON" -IS - "bindgate-test-$$" >"$WORK/notes" <<'END' 3>&- &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\0' + sys.argv[1])
print('bound', flush=True)
print(s.recv(4096).decode(), flush=True)
END
	local listener=$!
	eventually grep -q bound "$WORK/notes"
	NOTIFY_SOCKET=@bindgate-test-$$ WATCHDOG_USEC=200000 WATCHDOG_PID=1 start_daemon
	wait "$listener"
	equal notes "$(cat "$WORK/notes")" "bound
READY=1
STATUS=1 gates wanted"
	stop_daemon
	local path
	for path in relative "/$(printf 'a%.0s' {1..200})" /no/such/socket; do
		NOTIFY_SOCKET=$path start_daemon
		gated 80 "$CG"
		stop_daemon
	done
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
	equal lines "$output" $'bindgated 1\\x1b[2J, configuration refused: the last good one is in force\n  POD  FROM   CGROUP  STATE\n  -    ?      ?       gated'
	run -0 "$BINDGATED" --config "$CONFIG" status --json
	equal json "$output" $'{\n  "version": "\\u009B"\n}'
	for _ in 7 nothing; do
		run -1 "$BINDGATED" --config "$CONFIG" status
		equal line "$output" 'bindgated: the answer is no status'
	done
	wait "$impostor"
}
