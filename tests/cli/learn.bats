#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What learn makes of a service that was there before, that restarts, that is denied, that picks ports at random.

load common

# Starts learn on $CG; what it prints goes to $WORK/learnt and $WORK/told.
learn() {
	"$BINDGATE" learn "$CG" "$@" >"$WORK/learnt" 2>"$WORK/told" 3>&- &
	learner=$!
	until [ "$(watchers 2>/dev/null)" = 1 ]; do sleep 0.02; done
}

# Ends it; the line that it came to is then $line.
learnt() {
	kill -INT "$learner"
	wait "$learner"
	line=$(tail -n 1 "$WORK/learnt")
}

# A server in the gate's cgroup that listens on these TCP ports until it is told to go.
serve() { # PORT...
	in_cgroup "${AT:-$CG}" nsenter --net="/proc/self/fd/$NET" "$PYTHON" -IS -c 'import socket, sys, time
all = [socket.create_server(("127.0.0.1", int(p))) for p in sys.argv[1:]]
print("up", flush=True)
time.sleep(60)' "$@" >"$WORK/up" 3>&- &
	server=$!
	until grep -q up "$WORK/up"; do sleep 0.02; done
}

@test "sockets that are held already count, those of cgroups below and no others" {
	mkdir "$CG/below" "$BASE/cli-other-$$"
	serve 80 8443
	AT=$CG/below serve 8080
	AT=$BASE/cli-other-$$ serve 9090
	learn
	learnt
	equal line "$line" "bindgate attach $NAME 80/tcp 8080/tcp 8443/tcp"
	grep -q '^# 0 binds .* were seen, and 3 sockets that were bound before;' "$WORK/learnt"
	echo 1 >"$BASE/cli-other-$$/cgroup.kill"
	eventually rmdir "$BASE/cli-other-$$"
}

@test "a service that restarts is followed into its new cgroup" {
	learn
	binds 'tcp 127.0.0.1 80' >/dev/null
	eventually rmdir "$CG"
	mkdir "$CG"
	serve 443
	eventually bindgate list "$CG" >/dev/null
	binds 'tcp 127.0.0.1 8080' >/dev/null
	learnt
	equal line "$line" "bindgate attach $NAME 80/tcp 443/tcp 8080/tcp"
	kill "$server"
	equal gates "$(bindgate list -j | json "d['gates']")" "[]"
}

@test "what is denied becomes no grant, and rules that are there stay" {
	bindgate attach --default deny --label shop "$CG" deny:22 3000=80/tcp 8080/tcp,uid=65534
	learn
	binds 'tcp 127.0.0.1 22' 'tcp 127.0.0.1 3000' 'tcp 127.0.0.1 8080' 'tcp 127.0.0.1 9999' >/dev/null
	learnt
	equal line "$line" "bindgate attach --default deny --label shop $NAME deny:22 3000=80/tcp 8080/tcp,uid=65534"
	equal told "$(cat "$WORK/told")" "bindgate: warning: 2 binds were denied: no rule is made of them"
	# where denies are not enforced, what only the default denies is learnt
	bindgate attach --default deny --audit "$CG" deny:22 3000=80/tcp
	learn --yaml
	binds 'tcp 127.0.0.1 22' 'tcp 127.0.0.1 3000' 'tcp 127.0.0.1 9999' >/dev/null
	learnt
	equal yaml "$(cat "$WORK/learnt")" "gates:
- cgroup: $NAME
  default: deny
  audit: true
  rules:
  - deny:22
  - 3000=80/tcp
  - 9999/tcp"
}

@test "ports that are picked at random are one range" {
	learn
	local many
	mapfile -t many < <(seq -f 'udp 127.0.0.1 %g' 1100 1700 60000)
	binds 'udp 127.0.0.1 53' "${many[@]}" >/dev/null
	learnt
	equal line "$line" "bindgate attach $NAME 1024-65535/udp 53/udp"
	equal told "$(cat "$WORK/told")" "bindgate: warning: 35 UDP ports look chosen at random, as a resolver does: 1024-65535/udp is for them"
}
