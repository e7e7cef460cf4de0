#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Pods under a real containerd, driven through its CRI: host networking, non-root, no_new_privs, no capabilities.

load common

setup() {
	new_room
	CONFIG=$WORK/node.yaml
	SOCKET=$WORK/socket
	CRI=$WORK/containerd.sock
	mkdir "$WORK/images" "$WORK/logs"
	gcc -O1 -static -o "$WORK/images/pause" "$TREE/tests/node/serve.c"
	cp "$WORK/images/pause" "$WORK/images/serve"
	"$PYTHON" "$TREE/tests/node/image.py" bindgate.test/pod:1 "$WORK/image.tar" "$WORK/images/pause" "$WORK/images/serve"
	cat >"$WORK/containerd.toml" <<-END
		version = 2
		root = "$WORK/root"
		state = "$WORK/state"
		[grpc]
		  address = "$CRI"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$WORK/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "bindgate.test/pod:1"
		  disable_apparmor = true
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$WORK/cni"
		    conf_dir = "$WORK/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "native"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
	END
	start_containerd
	in_runtime ctr -a "$CRI" -n k8s.io images import --snapshotter native "$WORK/image.tar" >/dev/null
	UID1=11111111-aaaa-4bbb-8ccc-$(printf %012x $$)
	UID2=22222222-aaaa-4bbb-8ccc-$(printf %012x $$)
}

# In a mount namespace of its own, which goes with it, and the test's network namespace.
start_containerd() {
	in_cgroup "$CG" nsenter --net="/proc/self/fd/$NET" unshare --mount --propagation private \
		containerd -c "$WORK/containerd.toml" >>"$WORK/containerd.log" 2>&1 3>&- &
	CONTAINERD=$!
	eventually "$PYTHON" "$TREE/tests/node/cri.py" "$CRI" list >/dev/null 2>&1
	RUNTIME=$(pgrep -n -f "containerd -c $WORK/containerd.toml")
}

in_runtime() {
	nsenter -t "$RUNTIME" -m -n "$@"
}

teardown() {
	stop_daemon 2>/dev/null || true
	# shims and containers are in cgroups of the test's, and so is containerd
	for try in 1 2 3 4 5; do
		find "$CG" -name cgroup.kill -exec sh -c 'echo 1 >"$1"' sh {} \; 2>/dev/null
		sleep 0.1
	done
	clear_hierarchies
	clear_room
}

cri() {
	"$PYTHON" "$TREE/tests/node/cri.py" "$CRI" "$@"
}

# pod NAME UID NAMESPACE LABELS ANNOTATIONS: its JSON
pod() {
	printf '{"name":"%s","uid":"%s","namespace":"%s","labels":%s,"annotations":%s,"parent":"%s","logs":"%s"}' \
		"$1" "$2" "$3" "$4" "$5" "$NAME/kubepods/besteffort/pod$2" "$WORK/logs"
}

# A container in a sandbox that serves a port as uid 65534: serve SANDBOX POD NAME PORT
serve() {
	cri start "$("$PYTHON" -c 'import json, sys
pod = json.loads(sys.argv[2])
pod.update(sandbox=sys.argv[1], container=sys.argv[3], image="bindgate.test/pod:1", command=["/serve", sys.argv[4]], user=65534)
print(json.dumps(pod))' "$@")"
}

says() { # CONTAINER WORDS
	grep -q "$2" "$WORK/logs/$1.log"
}

gate_of() { # UID
	rules_of "$CG/kubepods/besteffort/pod$1"
}

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
