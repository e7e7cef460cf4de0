#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Pods under a real containerd, driven through its CRI: host networking, non-root, no_new_privs, no capabilities.

load containerd

@test "a hostNetwork pod serves port 80 as non-root, and is refused port 81" {
	configure <<-END
		daemon:
		  cri: $CRI
		  kubepods: $NAME/kubepods
		pods:
		- namespace: web
		  labels: [app=ingress]
		  netns: any
		  default: deny
		  rules: [80/tcp]
		  may_ask: [443/tcp, 8000-8100]
	END
	start_daemon
	local ingress other one two
	ingress=$(pod ingress "$UID1" web '{"app":"ingress"}' '{"bindgate.io/rules":"443/tcp,8080=443/tcp"}')
	other=$(pod other "$UID2" web '{"app":"other"}' '{}')
	one=$(cri run "$ingress")
	eventually eval '[ "$(gate_of "$UID1")" = "80/tcp 443/tcp 8080=443/tcp" ]'
	serve "$one" "$ingress" http 80
	eventually says http 'uid 65534, port 80: listening'
	equal page "$(in_net curl -s http://127.0.0.1/)" "hello from a pod"
	serve "$one" "$ingress" refused 81
	eventually says refused 'uid 65534, port 81: Permission denied'
	serve "$one" "$ingress" denied 9000
	eventually says denied 'uid 65534, port 9000: Permission denied'
	serve "$one" "$ingress" rewritten 8080
	eventually says rewritten 'listening'
	equal page "$(in_net curl -s http://127.0.0.1:443/)" "hello from a pod"
	# another pod has nothing of it
	two=$(cri run "$other")
	serve "$two" "$other" other 82
	eventually says other 'uid 65534, port 82: Permission denied'
	equal none "$(gate_of "$UID2")" ""
	# the pod goes, and its gate with it, though its directory may stay
	cri remove "$one"
	eventually eval '[ -z "$(gate_of "$UID1")" ]'
	cri remove "$two"
}

@test "what a pod may not ask is refused as a whole, and told" {
	configure <<-END
		daemon:
		  cri: $CRI
		  kubepods: $NAME/kubepods
		pods:
		- namespace: web
		  rules: [80/tcp]
		  may_ask: [443/tcp]
	END
	start_daemon
	local one
	one=$(cri run "$(pod greedy "$UID1" web '{}' '{"bindgate.io/rules":"443/tcp,22/tcp"}')")
	eventually eval '[ "$(gate_of "$UID1")" = "80/tcp" ]'
	equal netns "$(bindgate list -j | json "d['gates'][0]['netns']")" '"host"'
	eventually grep -q "pod web/greedy: refused: it may not ask for 22/tcp" "$WORK/stderr"
	run -0 "$BINDGATED" --config "$CONFIG" status
	ended 0 "web/greedy"
	ended 0 "refused: it may not ask for 22/tcp"
	sleep 1.1
	equal metric "$(metric bindgate_pods_refused)" 1
	cri remove "$one"
}

@test "a runtime that goes and comes back: gates stay, and follow again" {
	configure <<-END
		daemon:
		  cri: $CRI
		  kubepods: $NAME/kubepods
		pods: [{namespace: web, rules: [80/tcp]}]
	END
	start_daemon
	local one two
	one=$(cri run "$(pod a "$UID1" web '{}' '{}')")
	eventually eval '[ "$(gate_of "$UID1")" = "80/tcp" ]'
	kill -9 "$RUNTIME"
	wait "$CONTAINERD" || true
	kill -HUP "$DAEMON"
	eventually grep -q "the container runtime at $CRI: .*; the gates of pods stay as they are" "$WORK/stderr"
	equal stays "$(gate_of "$UID1")" 80/tcp
	# a daemon that starts meanwhile takes over what stands
	stop_daemon
	start_daemon
	equal stays "$(gate_of "$UID1")" 80/tcp
	start_containerd
	two=$(cri run "$(pod b "$UID2" web '{}' '{}')")
	eventually eval '[ "$(gate_of "$UID2")" = "80/tcp" ]'
	cri remove "$one"
	eventually eval '[ -z "$(gate_of "$UID1")" ]'
	cri remove "$two"
}
