#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# explain and learn: from "permission denied" to the line that helps.

load common

@test "from the error message to a served page, by the line that explain prints" {
	echo 'hello' >"$WORK/index.html"
	chmod a+rX "$WORK" "$WORK/index.html"
	run served "$PYTHON" -m http.server 80 --directory "$WORK"
	[[ $output == *"Permission denied"* ]]
	served sleep 600 3>&- &
	wait_for "$CG" sleep
	run -1 bindgate explain "$pid" 80/tcp
	ended 1 "It would be refused: EACCES (Permission denied)."
	equal remedy "${lines[-1]}" "bindgate attach $NAME 80/tcp"
	PATH=${BINDGATE%/*}:$PATH bash -c "${lines[-1]}"
	run -0 bindgate explain "$pid" 80/tcp
	ended 0 "It would succeed, and be bound to 0.0.0.0:80."
	served "$PYTHON" -m http.server 80 --directory "$WORK" 3>&- 2>/dev/null &
	eventually in_net curl -s -o "$WORK/page" http://127.0.0.1/
	equal page "$(cat "$WORK/page")" hello
	run -1 bindgate explain "$pid" 80/tcp
	ended 1 "80 is held by python3 (pid "
	ended 1 "It would be refused: EADDRINUSE (Address already in use)."
}

@test "explain names gates, users, other programs and addresses" {
	mkdir "$CG/web"
	in_cgroup "$CG/web" nsenter --net="/proc/self/fd/$NET" "${AS_NOBODY[@]}" sleep 600 3>&- &
	wait_for "$CG/web" sleep
	bindgate attach "$CG" deny:22 3000=80
	bindgate attach "$CG/web" 443 --audit --default deny
	run -1 bindgate explain "$pid" 22
	ended 1 "gate $NAME/web  no rule matches, the default: deny, which audit does not enforce"
	ended 1 "gate $NAME      deny:22: deny"
	equal remedy "${lines[-1]}" "bindgate attach $NAME 22/tcp deny:22 3000=80"
	run -0 bindgate explain "$pid" 3000
	ended 0 "3000=80: rewrite to 0.0.0.0:80, which it allows"
	ended 0 "It would succeed, and be bound to 0.0.0.0:80."
	run -1 bindgate explain "$pid" 192.0.2.1:8080
	ended 1 "EADDRNOTAVAIL"
	exec {crowd}< <(exec "$PYTHON" -IS "$HERE/bpf.py" crowd "$CG" bind4 1 < <(exec sleep 600 2>&- 3>&-) 3>&-)
	local holder=$! count
	read -r -u "$crowd" count
	run bindgate explain "$pid" 443
	kill "$holder"
	ended 0 "bindgate_test (BPF id "
	ended 0 "on $NAME: bindgate cannot see what it decides"
}

@test "the lines that explain and learn print are whole, whatever names are in them" {
	local odd="$CG/it's; touch hurt; {a,b} *" rules=()
	mkdir "$odd"
	cd "$WORK"
	mapfile -t rules < <(printf 'deny:10.0.%s:22/tcp\n' {0..9}.{100..118})
	bindgate attach "$odd" deny:80 "${rules[@]}" --label "it's" >/dev/null
	run -1 bindgate explain "$odd" 80
	PATH=${BINDGATE%/*}:$PATH bash -c "${lines[-1]}" >/dev/null
	equal gate "$(bindgate list -j | json "[(g['path'], g['label'], [r['rule'] for r in g['rules']][:3], len(g['rules'])) for g in d['gates']]")" \
		"[[\"$odd\", \"it's\", [\"80/tcp\", \"deny:80\", \"deny:10.0.0.100:22/tcp\"], 192]]"
	"$BINDGATE" learn "$odd" >"$WORK/learnt" 3>&- &
	until bpftool -j map dump pinned "$BINDGATE_PIN_DIR/core/watching" 2>/dev/null | grep -q '0x01'; do sleep 0.02; done
	AT=$odd binds 'tcp 127.0.0.1 81'
	kill -INT $!
	wait
	PATH=${BINDGATE%/*}:$PATH bash "$WORK/learnt"
	equal learnt "$(bindgate list -j | json "[(len(g['rules']), g['rules'][-1]['rule'], g['label']) for g in d['gates']]")" "[[193, \"81/tcp\", \"it's\"]]"
	[ ! -e hurt ]
}

@test "explain in rarer situations" {
	served sleep 600 3>&- &
	wait_for "$CG" sleep
	bindgate attach --netns host "$CG" 80
	run -1 bindgate explain "$pid" 80
	ended 1 "gate $NAME  not asked: netns host, and the socket is elsewhere"
	equal "no remedy" "${lines[-1]}" "It would be refused: EACCES (Permission denied)."
	bindgate attach "$CG" 80
	rm "$BINDGATE_PIN_DIR/gates/$(id_of "$CG")/bind6"
	run bindgate explain "$pid" 80
	ended 0 "gate $NAME  damaged: a link is missing"
	run -1 bindgate explain "$pid" '[fe80::1]:8080' # which takes an interface
	ended 1 "It would be refused: EINVAL (Invalid argument)."
	kill "$pid"
	mkdir "$CG/user"
	in_cgroup "$CG/user" nsenter --net="/proc/self/fd/$NET" unshare --user --map-root-user sleep 600 3>&- &
	wait_for "$CG/user" sleep
	bindgate detach "$CG"
	run -1 bindgate explain "$pid" 80
	ended 1 "has CAP_NET_BIND_SERVICE, but only in a user namespace that the network namespace is not of"
	# from a pid namespace in which the one who has the port cannot be seen
	nsenter --net="/proc/self/fd/$NET" "$PYTHON" -c 'import socket, time; s = socket.create_server(("127.0.0.1", 8080)); time.sleep(60)' 3>&- &
	until in_net ss -Hltn 'sport = 8080' | grep -q .; do sleep 0.02; done
	run -1 in_net unshare --pid --fork --mount-proc "$BINDGATE" explain "$CG" 127.0.0.1:8080
	kill $!
	ended 1 "8080 is held by a process that cannot be seen (uid 0) on 127.0.0.1"
}

@test "learn: nothing, too much, and on a terminal" {
	bindgate attach "$CG" 1000
	run -0 bindgate learn --for 1s "$CG"
	equal nothing "$output" "# nothing was bound by $NAME"
	"$BINDGATE" learn "$CG" >"$WORK/learnt" 2>"$WORK/told" 3>&- &
	local learner=$!
	until bpftool -j map dump pinned "$BINDGATE_PIN_DIR/core/watching" | grep -q '0x01'; do sleep 0.02; done
	local many
	mapfile -t many < <(seq -f 'udp 127.0.0.1 %g' 2000 2 2600)
	binds "${many[@]}" >/dev/null
	kill -INT "$learner"
	wait "$learner"
	grep -q '^bindgate: warning: the ports seen take more than 256 rules: ranges were widened by [0-9]* ports$' "$WORK/told"
	grep -q "^bindgate attach $NAME 1000 2000-2600/udp\$" "$WORK/learnt"
	script -qec "$BINDGATE learn --for 1s $CG" "$WORK/tty" >/dev/null 3>&-
	grep -q "learning $NAME: 0 binds, 1 s left; Ctrl-C ends it" "$WORK/tty"
}

@test "explain in JSON, for a cgroup, and its errors" {
	run -1 bindgate explain -j "$CG" '[::]:80/udp'
	equal json "$(json "[d['succeeds'], d['error'], d['protocol'], d['asked'], d['remedy'], len(d['steps']) > 2]" <<<"$output")" \
		"[false, \"EACCES\", \"udp\", {\"address\": \"::\", \"port\": 80}, \"bindgate attach $NAME 80/udp\", true]"
	run -1 bindgate explain 4194304 80
	equal process "$output" "bindgate: there is no process 4194304"
	run -2 bindgate explain "$CG" 80-81
	run -2 bindgate explain "$CG"
	run -2 bindgate explain "$CG" 70000
}

@test "learn prints the rules that cover what was bound" {
	learn() {
		"$BINDGATE" learn "$CG" "$@" >"$WORK/learnt" 3>&- &
		until [ "$(watchers)" -gt 0 ]; do sleep 0.02; done
		binds 'tcp 127.0.0.1 80' 'udp 127.0.0.1 8053' 'tcp 127.0.0.1 8053' 'tcp 127.0.0.1 9001' 'tcp ::1 9002' 'tcp 127.0.0.1 9003' 'tcp 127.0.0.1 0'
		kill -INT $!
		wait
	}
	learn
	equal line "$(cat "$WORK/learnt")" "# 6 binds by $NAME were seen; with --default deny, these ports and no others
bindgate attach $NAME 80/tcp 8053 9001-9003/tcp"
	equal gates "$(bindgate list -j | json "d['gates']")" "[]"
	PATH=${BINDGATE%/*}:$PATH bash -c "$(tail -n 1 "$WORK/learnt")"
	equal granted "$(binds 'tcp 127.0.0.1 80')" 'ok 127.0.0.1 80'
	# on a gate that stands, which is left as it is
	learn --yaml
	equal yaml "$(cat "$WORK/learnt")" "gates:
- cgroup: $NAME
  rules:
  - 80/tcp
  - 8053
  - 9001-9003/tcp"
	equal stands "$(rules_of)" "80/tcp 8053 9001-9003/tcp"
	bindgate detach "$CG"
	learn --json
	bindgate apply "$WORK/learnt"
	equal applied "$(rules_of)" "80/tcp 8053 9001-9003/tcp"
}

@test "learn that is killed leaves no gate" {
	bindgate learn "$CG" >/dev/null 3>&- &
	until bindgate list "$CG" >/dev/null 2>&1; do sleep 0.02; done
	pkill -9 -P $! 2>/dev/null || kill -9 $!
	wait || true
	mkdir "$CG/other"
	bindgate attach "$CG/other" 80
	equal gates "$(bindgate list -j | json "[g['path'] for g in d['gates']]")" "[\"$CG/other\"]"
}

@test "explain of a process that is not there" {
	run -1 bindgate explain 4194303 80
	equal gone "$output" "bindgate: there is no process 4194303"
	run -1 bindgate explain 99999999 80
	equal beyond "$output" "bindgate: there is no process 99999999, and no cgroup of that name"
}
