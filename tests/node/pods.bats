#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Pods, with a runtime of the tests' own that misbehaves on demand.

load common

setup() {
	new_room
	CONFIG=$WORK/node.yaml
	SOCKET=$WORK/socket
	FAKE=$WORK/fake
	mkdir "$FAKE"
	PODS=$CG/kubepods
	mkdir -p "$PODS/besteffort"
	echo fine >"$FAKE/mode"
	: >"$FAKE/pods"
	start_runtime
	configure <<-END
		daemon:
		  cri: unix://$WORK/cri
		  kubepods: $NAME/kubepods
		pods:
		- namespace: web
		  default: deny
		  rules: [80/tcp]
		  may_ask: [443/tcp, 8000-8100]
		- namespace: ask
		  may_ask: [443/tcp]
	END
}

start_runtime() {
	"$PYTHON" "$TREE/tests/node/fake_cri.py" "$WORK/cri" "$FAKE" 2>"$WORK/fake.err" 3>&- &
	FAKE_PID=$!
	eventually test -S "$WORK/cri"
}

teardown() {
	stop_daemon 2>/dev/null || true
	kill "$FAKE_PID" 2>/dev/null || true
	clear_room
}

# A pod: its cgroup, and what the runtime says of it.
pod() { # NAME UID NAMESPACE [ANNOTATION]
	mkdir -p "$PODS/besteffort/pod$2"
	echo "$1 $2 $3 0${4:+ bindgate.io/rules=$4}" >>"$FAKE/pods"
}

gate_of() {
	rules_of "$PODS/besteffort/pod$1"
}

is_gated() { # UID RULES
	[ "$(gate_of "$1")" = "$2" ]
}

calls() {
	wc -l <"$FAKE/calls"
}

@test "grants, requests, and pods that go" {
	start_daemon
	pod a uid-a web
	pod b uid-b web 443/tcp
	pod c uid-c ask 443/tcp
	pod d uid-d ask 22/tcp
	pod e uid-e other 443/tcp
	eventually is_gated uid-a 80/tcp
	eventually is_gated uid-b '80/tcp 443/tcp'
	eventually is_gated uid-c 443/tcp
	eventually grep -q 'pod ask/d: refused: it may not ask for 22/tcp' "$WORK/stderr"
	eventually grep -q 'pod other/e: refused: no grant speaks of it' "$WORK/stderr"
	is_gated uid-d ''
	is_gated uid-e ''
	# the sandbox is not ready any more; the container's cgroup went
	mkdir "$PODS/besteffort/poduid-a/x"
	sed -i 's/^a uid-a web 0/a uid-a web 1/' "$FAKE/pods"
	rmdir "$PODS/besteffort/poduid-a/x"
	eventually is_gated uid-a ''
	is_gated uid-b '80/tcp 443/tcp'
}

@test "both drivers' names, and static pods" {
	mkdir -p "$PODS/kubepods-burstable.slice/kubepods-burstable-pod1a_2b.slice" "$PODS/kubepods-pod3c_4d.slice" "$PODS/pod0123456789abcdef"
	printf 'a 1a-2b web 0\nb 3c-4d web 0\nc 0123456789abcdef web 0\n' >"$FAKE/pods"
	start_daemon
	for path in kubepods-burstable.slice/kubepods-burstable-pod1a_2b.slice kubepods-pod3c_4d.slice pod0123456789abcdef; do
		eventually eval '[ "$(rules_of "$PODS/'$path'")" = 80/tcp ]'
	done
}

# The test's cgroup as the root of all, as the node of a nested cluster (kind) has it.
nested() {
	in_cgroup "$CG" unshare --cgroup --mount --propagation private sh -c '
		umount -a -t cgroup2; mount -t cgroup2 cgroup2 "$0" && exec "$@"' "$WORK/nested" "$@"
}

@test "the nodes of kind, which are containers" {
	mkdir -p "$WORK/nested" "$CG/kubelet/kubepods/besteffort/podk" \
		"$CG/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod1a_2b.slice" \
		"$CG/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod3c_4d.slice"
	printf 'a k web 0\nb 1a-2b web 0\nc 3c-4d web 0\n' >"$FAKE/pods"
	sed -i '/kubepods:/d' "$CONFIG"
	start_daemon nested
	for path in kubelet/kubepods/besteffort/podk \
		kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod1a_2b.slice \
		kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod3c_4d.slice; do
		eventually gated 80/tcp "$CG/$path"
	done
}

@test "an older runtime (v1alpha2)" {
	echo old >"$FAKE/mode"
	start_daemon
	pod a uid-a web
	eventually is_gated uid-a 80/tcp
}

@test "no event is taken from those who need it: the runtime is but asked what it runs" {
	start_daemon
	pod a uid-a web
	mkdir "$PODS/besteffort/poduid-a/sandbox"
	eventually is_gated uid-a 80/tcp
	# it ends: its cgroups tell
	sed -i 's/^a uid-a web 0/a uid-a web 1/' "$FAKE/pods"
	rmdir "$PODS/besteffort/poduid-a/sandbox"
	eventually is_gated uid-a ''
	equal calls "$(sort -u "$FAKE/calls")" /runtime.v1.RuntimeService/ListPodSandbox
}

@test "half answers, garbage, lies: gates stay, and it is asked again" {
	start_daemon
	pod a uid-a web
	eventually is_gated uid-a 80/tcp
	local mode
	for mode in half garbage bad compressed error; do
		echo "$mode" >"$FAKE/mode"
		kill -HUP "$DAEMON"
		sleep 0.4
		is_gated uid-a 80/tcp
		echo fine >"$FAKE/mode"
		pod "$mode" "uid-$mode" web
		eventually is_gated "uid-$mode" 80/tcp
		is_gated uid-a 80/tcp
	done
	equal told "$(grep -c 'the gates of pods stay as they are' "$WORK/stderr")" 5
	equal back "$(grep -c 'answers again' "$WORK/stderr")" 5
}

@test "a runtime that does not answer holds nobody up" {
	sed -i "s|^pods:|gates: [{cgroup: \"$NAME/w*\", rules: [1]}]\npods:|" "$CONFIG"
	for mode in silent endless; do
		echo "$mode" >"$FAKE/mode"
		start_daemon
		mkdir "$CG/w$mode"
		eventually gated 1 "$CG/w$mode"
		equal health "$(ask healthz)" ok
		stop_daemon
	done
}

@test "crafted names, uids and annotations get nobody anything" {
	mkdir -p "$CG/victim" "$PODS/besteffort/poduid-v"
	printf '%s\n' \
		"x ../../victim web 0" \
		"x uid-v/../../../victim web 0" \
		"x $(printf 'a%.0s' {1..500}) web 0" \
		$'x\e[31m uid-v ask\xff 0 bindgate.io/rules=443/tcp' \
		"x uid-w ask 0 bindgate.io/rules=$(printf '443/tcp,%.0s' {1..30000})" >"$FAKE/pods"
	mkdir -p "$PODS/besteffort/poduid-w"
	start_daemon
	eventually grep -q 'pod ask/x: refused: its request is longer than 16384 bytes' "$WORK/stderr"
	equal gates "$(bindgate list -j | json "d['gates']")" "[]"
	! grep -q $'\e' "$WORK/stderr"
	"$BINDGATED" --config "$CONFIG" status >"$WORK/status"
	! grep -q $'\e' "$WORK/status"
}

@test "10,000 pods, of which 50 are here" {
	local i
	for i in $(seq 10000); do echo "p$i uid-$i web 0"; done >"$FAKE/pods"
	for i in $(seq 50); do mkdir "$PODS/besteffort/poduid-$i"; done
	start_daemon
	eventually is_gated uid-50 80/tcp
	equal gates "$(bindgate list -j | json "len(d['gates'])")" 50
}

@test "pods that are declared no more lose their gates, what was refused is forgotten" {
	start_daemon
	pod a uid-a web
	pod b uid-b ask 22/tcp
	mkdir "$PODS/besteffort/pod" "$PODS/besteffort/pod.x"
	eventually is_gated uid-a 80/tcp
	eventually grep -q 'pod ask/b: refused' "$WORK/stderr"
	rmdir "$PODS/besteffort/poduid-b"
	sleep 1.1 # an answer is given again for a second
	eventually eval '[ "$(metric bindgate_pods_refused)" = 0 ]'
	configure <<<"gates: [{cgroup: $NAME/kubepods, rules: [1]}]"
	eventually is_gated uid-a ''
	eventually gated 1 "$PODS"
	sleep 1.1
	equal pods "$(metric bindgate_pods)" 0
}

@test "nothing changes: the runtime is not asked" {
	pod a uid-a web
	start_daemon
	eventually is_gated uid-a 80/tcp
	sleep 1
	local before
	before=$(calls)
	sleep 3
	equal calls "$(calls)" "$before"
}

# The daemon with a /run of the test's own, $WORK/run.
start_daemon_in_run() {
	# shellcheck disable=SC2016 # it expands there
	start_daemon unshare --mount --propagation private sh -c 'mount --bind "$0/run" /run && exec "$@"' "$WORK"
}

engines() {
	"$BINDGATED" --config "$CONFIG" status --json | json "[[e['source'], e['socket'], e['problem']] for e in d['engines']]"
}

@test "runtimes are found by themselves and followed, several at once" {
	sed -i '/^  cri:/d' "$CONFIG"
	mkdir -p "$WORK/run/crio" "$WORK/run/k0s" "$WORK/other"
	echo fine >"$WORK/other/mode"
	: >"$WORK/other/pods"
	start_daemon_in_run
	equal none "$(engines)" '[]'
	pod a uid-a web
	local one two
	"$PYTHON" "$TREE/tests/node/fake_cri.py" "$WORK/run/crio/crio.sock" "$FAKE" 2>"$WORK/one.err" 3>&- &
	one=$!
	"$PYTHON" "$TREE/tests/node/fake_cri.py" "$WORK/run/k0s/containerd.sock" "$WORK/other" 2>"$WORK/two.err" 3>&- &
	two=$!
	eventually test -S "$WORK/run/crio/crio.sock"
	eventually test -S "$WORK/run/k0s/containerd.sock"
	mkdir "$PODS/besteffort/poduid-b" # of a runtime that is not known yet: it is looked for
	echo 'b uid-b web 0' >"$WORK/other/pods"
	eventually is_gated uid-a 80/tcp
	eventually is_gated uid-b 80/tcp
	local both='[["cri", "/run/crio/crio.sock", null], ["cri", "/run/k0s/containerd.sock", null]]'
	eventually eval '[ "$(engines)" = "$both" ]' # an answer is given again for a second
	# one goes, and is missed; what it told of stays, and the other is heard still
	kill "$one"
	wait "$one" || true
	kill -HUP "$DAEMON"
	eventually eval 'engines | grep -q "crio.sock\", \"[a-z]"'
	rm "$WORK/run/crio/crio.sock"
	mkdir "$PODS/besteffort/poduid-c"
	echo 'c uid-c web 0' >>"$WORK/other/pods"
	eventually is_gated uid-c 80/tcp
	is_gated uid-a 80/tcp
	kill "$two"
	wait "$two" || true
}

@test "cri: none leaves pods to the hook" {
	sed -i 's/^  cri:.*/  cri: none\n  nri: none/' "$CONFIG"
	start_daemon
	pod a uid-a web
	equal none "$(engines)" '[]'
	is_gated uid-a ''
}

# Has nobody been asked for so long? Then the next time is further away than that.
quiet() { # SECONDS
	[ $(($(date +%s) - $(stat -c %Y "$FAKE/calls"))) -ge "$1" ]
}

@test "a pod whose cgroup is there long before its sandbox" {
	start_daemon
	mkdir "$PODS/besteffort/poduid-late"
	until quiet 5; do sleep 0.2; done
	# its pause image is there at last: a sandbox begins
	local before
	before=$(calls)
	mkdir "$PODS/besteffort/poduid-late/sandbox"
	eventually eval '[ "$(calls)" -ge $((before + 20)) ]'
	pod late uid-late web
	eventually is_gated uid-late 80/tcp
}

away() { # WORDS: not ready because of them
	[[ $(ask readyz) == "not ready: the container runtime at $WORK/cri is not heard since "*": $1"* ]]
}

away_seconds() {
	metric "bindgate_engine_away_seconds{source=\"cri\",socket=\"$WORK/cri\"}"
}

@test "a runtime that is away is told, since when and why, also one that never answered" {
	kill "$FAKE_PID"
	wait "$FAKE_PID" || true
	rm -f "$WORK/cri"
	start_daemon
	eventually away 'there is no such socket'
	eventually eval '[ "$(away_seconds)" -gt 0 ]'
	run -0 "$BINDGATED" --config "$CONFIG" status
	ended 0 "$WORK/cri"
	[[ $output =~ "cri at $WORK/cri: not heard since "20[0-9T:-]*'Z: there is no such socket' ]]
	equal health "$(ask healthz)" ok
	start_runtime
	eventually ready
	eventually eval '[ "$(away_seconds)" = 0 ]' # metrics are a second old
	equal engine "$(ask status | json "d['engines']")" \
		"[{\"problem\": null, \"since\": null, \"socket\": \"$WORK/cri\", \"source\": \"cri\"}]"
	pod a uid-a web
	eventually is_gated uid-a 80/tcp
	# killed: the socket is left, and nobody listens
	kill -9 "$FAKE_PID"
	wait "$FAKE_PID" || true
	mkdir "$PODS/besteffort/poduid-b"
	eventually away 'nobody listens on the socket'
	is_gated uid-a 80/tcp
	start_runtime
	eventually ready
}

@test "who was refused, and why, in a minute: the pod's name is in list, status, metrics and denial lines" {
	configure <<-END
		daemon:
		  cri: $WORK/cri
		  kubepods: $NAME/kubepods
		  log: denied
		  log_to: $WORK/log
		pods:
		- {namespace: web, netns: any, default: deny, rules: [80/tcp]}
		- {namespace: own, rules: [80/tcp], label: the shops}
		- namespace: ask
		  may_ask: [443/tcp, 8000-8100]
	END
	start_daemon
	pod b uid-b web
	pod a uid-a web 443/tcp
	pod o uid-o own
	pod d uid-d ask 22/tcp
	pod e uid-e other 443/tcp
	eventually is_gated uid-b 80/tcp
	eventually is_gated uid-o 80/tcp
	equal labels "$(bindgate list -j | json "sorted(g['label'] for g in d['gates'])")" '["the shops", "web/a", "web/b"]'
	AT=$PODS/besteffort/poduid-b binds 'tcp 127.0.0.1 81' >/dev/null || true
	eventually grep -q '"verdict":"deny".*"pod":"web/b"' "$WORK/log"
	eventually eval '[ "$(metric "bindgate_binds_total{cgroup=\"$NAME/kubepods/besteffort/poduid-b\",namespace=\"web\",pod=\"b\",verdict=\"deny\"}")" = 1 ]'
	local -A why=(
		[ask/d]="it may not ask for 22/tcp (annotation bindgate.io/rules); $WORK/node.yaml:10 lets it ask for 443/tcp, 8000-8100"
		[other/e]="no grant speaks of it: its annotation bindgate.io/rules asks for nothing until an entry of pods: has its namespace and labels"
		[web/a]="it may not ask for 443/tcp (annotation bindgate.io/rules); $WORK/node.yaml:8 lets it ask for nothing"
	)
	for name in "${!why[@]}"; do
		eventually grep -qF "pod $name: refused: ${why[$name]}" "$WORK/stderr"
	done
	run -0 "$BINDGATED" --config "$CONFIG" status
	local at=$NAME/kubepods/besteffort/poduid width
	width=$((${#at} + 2))
	equal table "$(sed 1,2d <<<"$output")" "$(
		printf "  %-7s  %-5s  %-${width}s  %s\n" POD FROM CGROUP STATE ask/d pods "$at-d" "refused: ${why[ask/d]}" \
			other/e pods "$at-e" "refused: ${why[other/e]}" own/o pods "$at-o" gated web/a pods "$at-a" gated \
			web/a pods "$at-a" "refused: ${why[web/a]}" web/b pods "$at-b" gated)"
}

@test "an annotation that is misspelt is told of, once" {
	start_daemon
	mkdir -p "$PODS/besteffort/poduid-m"
	echo "m uid-m ask 0 bindgate.io/rule=443/tcp" >>"$FAKE/pods"
	eventually grep -q 'pod ask/m: its annotation "bindgate.io/rule" means nothing: is bindgate.io/rules meant?' "$WORK/stderr"
	pod a uid-a web
	eventually is_gated uid-a 80/tcp
	equal told "$(grep -c 'means nothing' "$WORK/stderr")" 1
}

@test "a node within another: netns host never counts, and that is said" {
	local words="this network namespace is not the machine's first"
	sed -i 's/^\(  *\)default: deny/&\n\1netns: any/' "$CONFIG"
	start_daemon nsenter --net="/proc/self/fd/$NET"
	eventually grep -q "$words" "$WORK/stderr"
	stop_daemon
	: >"$WORK/stderr"
	sed -i 's/^- namespace: ask/&\n  netns: any/' "$CONFIG"
	start_daemon nsenter --net="/proc/self/fd/$NET"
	run -1 grep "$words" "$WORK/stderr"
}

@test "a pod whose sandbox is not ready keeps its gate while it has processes" {
	pod a 1111 web
	mkdir "$PODS/besteffort/pod1111/app"
	start_daemon
	eventually is_gated 1111 80/tcp
	in_cgroup "$PODS/besteffort/pod1111/app" sleep 1000 3>&- &
	local process=$!
	eventually grep -q . "$PODS/besteffort/pod1111/app/cgroup.procs"
	sed -i 's/ web 0/ web 1/' "$FAKE/pods"
	local before
	before=$(calls)
	mkdir "$PODS/besteffort/pod2222" # asked anew
	eventually eval '[ "$(calls)" -gt $((before + 1)) ]'
	is_gated 1111 80/tcp
	echo 1 >"$PODS/besteffort/pod1111/app/cgroup.kill"
	wait "$process" || true
	eventually rmdir "$PODS/besteffort/pod1111/app" # as a runtime does
	eventually is_gated 1111 ''
}
