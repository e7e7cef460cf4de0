#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A real containerd that waits for bindgated (NRI). Run by tests/engines/run, which sets ENGINE.

load ../node/containerd

declared() { # PODS: declares them, and nothing but NRI to learn of them
	configure <<-END
		daemon:
		  nri: $NRI
		  cri: none
		  kubepods: $NAME/kubepods
		pods:
		$1
	END
}

heard() {
	bindgated_status | json "[e['problem'] for e in d['engines']]" | grep -qx "\[null\]"
}

bindgated_status() {
	"$BINDGATED" --config "$CONFIG" status --json
}

# N pods whose first instruction is a bind that is granted, and whose second is one that is denied; each says what came
# of both.
many() { # FIRST COUNT
	"$PYTHON" "$TREE/tests/engines/pods.py" "$CRI" "$NAME/kubepods/besteffort" "$WORK/logs" "$1" "$2"
}

@test "no pod is early: its first instruction finds its gate" {
	declared '- {namespace: web, netns: any, default: deny, rules: [100-900/tcp]}'
	start_daemon
	eventually heard
	many 100 "${BINDGATE_PODS:-200}" >"$WORK/many"
	equal told "$(sort "$WORK/many" | uniq -c | tr -s ' ')" " ${BINDGATE_PODS:-200} granted refused"
}

@test "the runtime waits for a bindgated that is busy" {
	declared '- {namespace: web, netns: any, default: deny, rules: [100-900/tcp]}'
	start_daemon
	eventually heard
	kill -STOP "$DAEMON"
	many 100 1 >"$WORK/many" 3>&- &
	local many=$!
	sleep 1 # a pod takes half of it; the runtime gives up after two
	kill -CONT "$DAEMON"
	wait "$many"
	equal told "$(cat "$WORK/many")" 'granted refused'
}

@test "a pod that may not have what it asks for is blocked where its grant says so, and is told why" {
	declared '- {namespace: web, rules: [80/tcp], may_ask: [443/tcp], on_refusal: block}
- {namespace: lax, rules: [80/tcp], may_ask: [443/tcp]}'
	start_daemon
	eventually heard
	run cri run "$(pod greedy "$UID1" web '{}' '{"bindgate.io/rules":"22/tcp"}')"
	[ "$status" -ne 0 ]
	[[ $output == *"it may not ask for 22/tcp"* ]]
	cri run "$(pod modest "$UID1" web '{}' '{"bindgate.io/rules":"443/tcp"}')"
	eventually eval '[ "$(gate_of "$UID1")" = "80/tcp 443/tcp" ]'
	cri run "$(pod lax "$UID2" lax '{}' '{"bindgate.io/rules":"22/tcp"}')"
	eventually eval '[ "$(gate_of "$UID2")" = 80/tcp ]'
}

@test "what began while bindgated was away is told when it is back, and a gate goes with its pod" {
	declared '- {namespace: web, rules: [80/tcp]}'
	local one
	one=$(cri run "$(pod a "$UID1" web '{}' '{}')")
	start_daemon
	eventually eval '[ "$(gate_of "$UID1")" = 80/tcp ]'
	kill -9 "$DAEMON"
	wait "$DAEMON" || true
	cri run "$(pod b "$UID2" web '{}' '{}')"
	start_daemon
	eventually eval '[ "$(gate_of "$UID2")" = 80/tcp ]'
	cri remove "$one"
	eventually eval '[ -z "$(gate_of "$UID1")" ]'
	equal stays "$(gate_of "$UID2")" 80/tcp
}

@test "a runtime that was killed and is back waits again" {
	declared '- {namespace: web, rules: [80/tcp]}'
	start_daemon
	eventually heard
	kill -9 "$RUNTIME"
	wait "$CONTAINERD" || true
	eventually grep -q "NRI at $NRI: " "$WORK/stderr"
	start_containerd
	eventually heard
	cri run "$(pod a "$UID1" web '{}' '{}')"
	equal "at once" "$(gate_of "$UID1")" 80/tcp
}

@test "a command that holds the lock delays no pod for long, and keeps bindgated in its place" {
	declared '- {namespace: web, rules: [80/tcp]}'
	start_daemon
	eventually heard
	exec {held}<"$BINDGATE_PIN_DIR"
	flock -x "$held"
	cri run "$(pod a "$UID1" web '{}' '{}')"
	exec {held}<&-
	eventually eval '[ "$(gate_of "$UID1")" = 80/tcp ]'
	cri run "$(pod b "$UID2" web '{}' '{}')"
	equal "at once" "$(gate_of "$UID2")" 80/tcp
	equal "never dropped" "$(grep -c 'waits for the gates' "$WORK/stderr")" 1
}
