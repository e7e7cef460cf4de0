#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bindgated while somebody means it ill, or the machine runs out of something.

load common

# Binds without end and as fast as can be, in as many processes; stopped with the test's cgroup.
flood() { # CGROUP REQUEST...
	local cgroup=$1 request
	shift
	mkfifo "$WORK/never"
	for request; do
		AT=$cgroup binds --loop "$request" <>"$WORK/never" >>"$WORK/flood" 3>&- &
	done
	eventually eval '[ "$(grep -c begun "$WORK/flood")" = '$#' ]'
}

@test "a flood of binds delays neither gates nor the end of a watch" {
	mkdir "$CG/a"
	configure <<-END
		daemon:
		  log: denied
		  log_rate: 1000000
		  log_to: $WORK/log
		gates: [{cgroup: "$NAME/*", rules: ["deny:81"]}]
	END
	start_daemon
	flood "$CG/a" 'udp 127.0.0.1 81' 'udp 127.0.0.1 81'
	mkdir "$CG/b"
	eventually gated deny:81 "$CG/b"
	"$BINDGATE" watch --json >/dev/null 3>&- &
	local watching=$!
	eventually eval '[ "$(watchers)" = 2 ]'
	kill "$watching"
	wait "$watching"
	equal flooding "$(grep -c '^{' "$WORK/flood" || true)" 0
}

@test "a flood of denials in one gate does not eat another's" {
	mkdir "$CG/a" "$CG/b"
	configure <<-END
		daemon:
		  log: denied
		  log_rate: 20
		  log_to: $WORK/log
		gates: [{cgroup: "$NAME/*", rules: ["deny:81"]}]
	END
	start_daemon
	flood "$CG/a" 'udp 127.0.0.1 81' 'udp 127.0.0.1 81'
	eventually grep -q dropped "$WORK/log"
	binds_until_logged() {
		AT=$CG/b binds 'tcp 127.0.0.1 81' >/dev/null
		[ "$(grep -c "\"cgroup\":\"$NAME/b\"" "$WORK/log")" -ge 5 ]
	}
	eventually binds_until_logged
	stop_daemon
	# not more than twice the rate in a second
	equal fastest "$("$PYTHON" -IS - "$WORK/log" <<'END'
import json, sys, collections
seconds = collections.Counter(json.loads(line).get('time', '')[:19] for line in open(sys.argv[1]))
print(max(seconds.values()) <= 80)
END
)" True
}

# A journal of the test's own: takes entries into $WORK/entries until each word was in one.
journal() { # WORD...
	rm -f "$WORK/journal/socket"
	"$PYTHON" -IS - "$WORK/journal/socket" "$@" >"$WORK/entries" <<'END' 3>&- &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
words = set(sys.argv[2:])
while words:
    entry = s.recv(65536).decode()
    words = {word for word in words if word not in entry}
    print(entry, end='--\n', flush=True)
END
	JOURNAL=$!
	eventually grep -q bound "$WORK/entries"
}

# A denied bind, until the command succeeds.
denied_until() { # COMMAND...
	denied_and() {
		binds 'tcp 127.0.0.1 22' >/dev/null
		"$@"
	}
	eventually denied_and "$@"
}

@test "journald that comes later, and one that is remade: the log is there again" {
	mkdir "$WORK/journal"
	configure <<-END
		daemon:
		  log: denied
		  log_to: journald
		gates: [{cgroup: $NAME, rules: ["deny:22"]}]
	END
	start_daemon unshare --mount sh -c 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd && ln -s "$0" /run/systemd/journal && exec "$@"' "$WORK/journal"
	grep -q '^bindgated: cannot open the log of journald: No such file or directory; decisions are dropped' "$WORK/stderr"
	binds 'tcp 127.0.0.1 22'
	journal VERDICT=deny
	denied_until grep -q VERDICT=deny "$WORK/entries"
	wait "$JOURNAL"
	denied_until grep -q 'of journald: Connection refused; \|write the log: Connection refused; ' "$WORK/stderr"
	journal VERDICT=deny '"dropped":' # what was not told meanwhile
	denied_until eval '! kill -0 "$JOURNAL" 2>/dev/null'
	wait "$JOURNAL"
}

@test "a log whose folder comes later, and goes: opened when it is there" {
	configure <<-END
		daemon:
		  log: denied
		  log_to: $WORK/logs/log
		gates: [{cgroup: $NAME, rules: ["deny:22"]}]
	END
	start_daemon
	grep -q "^bindgated: cannot open the log $WORK/logs/log: No such file or directory; decisions are dropped until it can be\$" "$WORK/stderr"
	mkdir "$WORK/logs"
	denied_until grep -q '"verdict":"deny"' "$WORK/logs/log"
	rm -r "$WORK/logs"
	denied_until eval '[ "$(grep -c "cannot open the log" "$WORK/stderr")" = 1 ] && mkdir "$WORK/logs"'
	denied_until grep -q '"verdict":"deny"' "$WORK/logs/log"
}

@test "a log file is opened through no link, and in no folder that others may write" {
	local folder line='others may write to its folder; choose one that is root.s alone'
	mkdir "$WORK/good" "$WORK/wide" "$WORK/group" "$WORK/theirs" "$WORK/file"
	chmod 1777 "$WORK/wide"
	chgrp 65534 "$WORK/group"
	chmod 775 "$WORK/group"
	chown 65534 "$WORK/theirs"
	ln -s good "$WORK/link"
	ln -s ../good/passwd "$WORK/file/log"
	for folder in wide group theirs link file; do
		[ "$folder" != link ] || line='a symbolic link is on the way there'
		configure <<-END
			daemon:
			  log: denied
			  log_to: $WORK/$folder/log
			gates: [{cgroup: $NAME, rules: ["deny:22"]}]
		END
		start_daemon
		grep -q "^bindgated: cannot open the log $WORK/$folder/log: $line; decisions are dropped until it can be\$" "$WORK/stderr"
		binds 'tcp 127.0.0.1 22'
		gated deny:22 "$CG"
		stop_daemon
	done
	equal nothing "$(find "$WORK/good" "$WORK/wide" "$WORK/group" "$WORK/theirs" -type f)" ''
}

# As with the sysctl at its end, but for the daemon alone, and until $WORK/starved goes: starving CALL ERRNO
starving() {
	touch "$WORK/starved"
	start_daemon "$(dirname "$BINDGATE")/tests/fault/starve" "$WORK/starved" "$@"
}

# Cgroups come, go and are remade, at a pace that only they set.
come_and_go() {
	mkdir -p "$CG/pool/b" "$CG/c"
	eventually gated 80 "$CG/pool/b" "$CG/c"
	local before
	before=$(id_of "$CG/c")
	rmdir "$CG/pool/b" "$CG/pool" "$CG/c"
	mkdir "$CG/c"
	[ "$(id_of "$CG/c")" != "$before" ]
	eventually gated 80 "$CG/c"
	eventually eval '[ "$(ls "$BINDGATE_PIN_DIR/gates")" = "$(id_of "$CG/c")" ]'
	rmdir "$CG/c"
	eventually eval '[ -z "$(ls "$BINDGATE_PIN_DIR/gates")" ]'
}

with_scarce() { # CALL ERRNO WORDS
	configure <<<"gates: [{cgroup: '$NAME/c', rules: [80]}, {cgroup: '$NAME/pool*/*', rules: [80]}]"
	starving "$1" "$2"
	come_and_go
	come_and_go
	equal "told once" "$(grep -c "cannot watch the cgroup .*: $3" "$WORK/stderr")" 1
	sleep 1.1 # an answer is given again for a second
	[ "$(metric bindgate_unwatched)" -gt 0 ]
	equal watches "$(metric bindgate_watches)" 0
	rm "$WORK/starved"
	eventually grep -q 'all of the cgroup tree can be watched again' "$WORK/stderr"
	come_and_go
	sleep 1.1
	equal unwatched "$(metric bindgate_unwatched)" 0
	[ "$(metric bindgate_watches)" -gt 0 ]
}

@test "inotify's watches have run out: cgroups are looked at, and watched again when there are" {
	with_scarce inotify_add_watch 28 'No space left on device; the sysctl fs.inotify.max_user_watches may be too low'
}

@test "inotify's instances have run out: the daemon starts, and watches when there are" {
	with_scarce inotify_init1 24 'Too many open files; the sysctl fs.inotify.max_user_instances may be too low'
	sed -i 's/pool/pond/' "$CONFIG" # its files are watched again too
	mkdir -p "$CG/pond/d"
	eventually gated 80 "$CG/pond/d"
}

@test "a cgroup that was remade while the daemon slept keeps its gate while old news of it are read" {
	configure <<<"gates: [{cgroup: '$NAME/a', rules: [80]}, {cgroup: '$NAME/z', rules: [80]}]"
	start_daemon
	kill -STOP "$DAEMON"
	local i
	for i in $(seq 300); do
		mkdir "$CG/a"
		rmdir "$CG/a"
	done
	mkdir "$CG/a"
	yes 'tcp 127.0.0.1 80' | AT=$CG/a binds 3>&- | tee "$WORK/each" 3>&- | uniq >"$WORK/outcomes" 3>&- &
	local outcomes=$!
	eventually grep -q EACCES "$WORK/each"
	kill -CONT "$DAEMON"
	mkdir "$CG/z"
	eventually gated 80 "$CG/a" "$CG/z" # all news were read
	eventually eval '[ "$(bindgate list -j | json "sum(g[\"verdicts\"][\"allow\"] > 0 for g in d[\"gates\"])")" = 1 ]'
	echo 1 >"$CG/a/cgroup.kill"
	wait "$outcomes"
	equal outcomes "$(cat "$WORK/outcomes")" $'EACCES\nok 127.0.0.1 80'
}

@test "64 clients that send a byte now and then: others are answered, and each is cut off" {
	configure <<<"gates: [{cgroup: '$NAME/w*', rules: [80]}]"
	start_daemon
	"$PYTHON" -IS - "$SOCKET" >"$WORK/slow" <<'END' 3>&- &
import select, socket, sys, time
request = b'GET /metrics HTTP/1.1\r\n' + b'X: y\r\n' * 1000
held = []
for i in range(64):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    held.append(s)
print('held', flush=True)
for byte in request:
    for s in list(held):
        try:
            s.sendall(bytes([byte]))
            if select.select([s], [], [], 0)[0] and not s.recv(1):
                held.remove(s)
        except OSError:
            held.remove(s)
    if not held:
        break
    time.sleep(0.3)
print('cut', len(held), flush=True)
END
	eventually grep -q held "$WORK/slow"
	local i
	for i in 1 2 3 4 5; do
		equal health "$(ask healthz)" ok
	done
	eventually grep -q '^cut 0$' "$WORK/slow"
}

@test "what scrapes the metrics of 400 gates holds up no gate" {
	local i
	configure <<<"gates: [{cgroup: '$NAME/w*', rules: [80]}]"
	for i in $(seq 400); do mkdir "$CG/w$i"; done
	start_daemon
	# a cgroup that comes while the metrics are made is gated before they are there
	run -0 "$PYTHON" -IS - "$SOCKET" "$CG" "$BINDGATE_PIN_DIR" <<'END' 3>&-
import os, select, socket, sys, time
at, cgroup, pins = sys.argv[1:]
first = 0
for i in range(10):
    time.sleep(1.1)  # an answer is given again for a second
    s = socket.socket(socket.AF_UNIX)
    s.connect(at)
    s.sendall(b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
    time.sleep(0.01)
    os.mkdir(f'{cgroup}/wait{i}')
    gate = f'{pins}/gates/{os.stat(f"{cgroup}/wait{i}").st_ino}'
    while not (made := os.path.exists(gate)) and not select.select([s], [], [], 0)[0]:
        pass
    first += made
    text = b''
    while part := s.recv(1 << 16):
        text += part
    assert text.startswith(b'HTTP/1.1 200 OK') and b'\nbindgate_gates_wanted 4' in text, text[:200]
print(first, 'of 10')
END
	echo "# $output" >&3
	[ "${output% of 10}" -ge 5 ]
}

@test "over loopback, a Host that is a name is refused" {
	printf 'daemon: {listen: "127.0.0.1:9632"}\ngates: []\n' >"$CONFIG"
	nsenter --net="/proc/self/fd/$NET" "$BINDGATED" --config "$CONFIG" 2>>"$WORK/stderr" 3>&- &
	DAEMON=$!
	code() { # HOST
		in_net curl -s -o /dev/null -w '%{http_code}' -H "Host: $1" http://127.0.0.1:9632/healthz
	}
	eventually eval '[ "$(code localhost)" = 200 ]'
	local host
	for host in 127.0.0.1:9632 '[::1]:9632' LocalHost:1 10.1.2.3; do
		equal "$host" "$(code "$host")" 200
	done
	for host in evil.example evil.example:9632 localhost.evil.example 127.0.0.1.evil.example '[::1'; do
		equal "$host" "$(code "$host")" 403
	done
	stop_daemon
	configure <<<'gates: []' # a unix socket cannot be reached by a page
	start_daemon
	equal unix "$(curl -s -H 'Host: node-7' --unix-socket "$SOCKET" http://x/healthz)" ok
}

@test "status waits no longer than its deadline for what answers a byte at a time" {
	configure <<<"gates: []"
	"$PYTHON" -IS - "$SOCKET" 3>&- <<'END' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c = s.accept()[0]
try:
    while True:
        c.sendall(b'x')
        time.sleep(0.5)
except OSError:
    pass
END
	local impostor=$!
	eventually test -S "$SOCKET"
	"$BINDGATED" --config "$CONFIG" status 2>"$WORK/status" 3>&- &
	eventually grep -q "^bindgated: no bindgated answers on unix:$SOCKET: not within 5 s\$" "$WORK/status"
	wait "$impostor"
}

@test "a second daemon on the same pins is refused, and told who has them" {
	mkdir "$CG/a"
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80]}]"
	start_daemon
	printf 'daemon: {listen: none}\ngates: []\n' >"$WORK/other.yaml"
	run -1 timeout 60 "$BINDGATED" --config "$WORK/other.yaml"
	equal second "$output" "bindgated: another bindgated, process $DAEMON, keeps the gates of $BINDGATE_PIN_DIR: end it first, or choose another --pin-dir"
	gated 80 "$CG/a"
	kill -9 "$DAEMON"
	wait "$DAEMON" || true
	start_daemon # the lock went with it
}

@test "a configuration that goes is no empty one: the gates stand, it is told, and not ready" {
	mkdir "$CG/a" "$CG/b" "$WORK/node.d"
	configure <<<"gates: [{cgroup: $NAME/a, rules: [80]}]"
	echo "gates: [{cgroup: $NAME/b, rules: [81]}]" >"$WORK/node.d/b.yaml"
	start_daemon
	gated 80 "$CG/a"
	mv "$CONFIG" "$WORK/away"
	eventually eval '[[ $(ask readyz) == "not ready"* ]]'
	gated 80 "$CG/a"
	gated 81 "$CG/b"
	equal told "$(grep -c "^bindgated: cannot read $CONFIG: No such file or directory; the last good configuration stays in force\$" "$WORK/stderr")" 1
	stop_daemon
	run -1 "$BINDGATED" --config "$CONFIG" # nor at the start
	equal start "$output" "bindgated: cannot read $CONFIG: No such file or directory"
	gated 80 "$CG/a"
	run -1 "$BINDGATED" --check "$CONFIG"
	mv "$WORK/away" "$CONFIG"
	start_daemon
	gated 80 "$CG/a"
}
