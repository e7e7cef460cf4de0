#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The OCI hook under a real podman and runc.

load common

setup() {
	new_room
	mkdir "$WORK/images" "$WORK/hooks"
	gcc -O1 -static -o "$WORK/images/pause" "$TREE/tests/node/serve.c"
	cp "$WORK/images/pause" "$WORK/images/serve"
	"$PYTHON" "$TREE/tests/node/image.py" bindgate.test/pod:1 "$WORK/image.tar" "$WORK/images/pause" "$WORK/images/serve"
	# the hook as it is delivered, for this test's build, pins and configuration
	sed "s|/usr/local/sbin/bindgate|$BINDGATE|; s|\"--required\"|\"--required\", \"--config\", \"$WORK/grants.yaml\", \"--pin-dir\", \"$BINDGATE_PIN_DIR\"|" \
		"$TREE/deploy/podman/bindgate.json" >"$WORK/hooks/bindgate.json"
	pod_man load -q -i "$WORK/image.tar" >/dev/null
	cat >"$WORK/grants.yaml" <<-END
		pods:
		- labels: [team=web]
		  netns: any
		  may_ask: [80/tcp, 443/tcp]
	END
}

teardown() {
	pod_man rm -af -t 0 >/dev/null 2>&1 || true
	clear_hierarchies
	clear_room
}

run_container() { # ANNOTATION... -- PORT
	local annotations=()
	: "${NETWORK:=host}"
	while [ "$1" != -- ]; do
		annotations+=(--annotation "$1")
		shift
	done
	pod_man run --rm --network "$NETWORK" --user 65534 --cap-drop all --security-opt no-new-privileges --log-driver none \
		--cgroup-parent "$NAME/pods" "${annotations[@]}" --entrypoint "[\"/serve\",\"$2\"]" bindgate.test/pod:1
}

@test "a container gets the port that its annotation asks for, within the grant" {
	run_container team=web bindgate.io/rules=80/tcp -- 80 >"$WORK/out" 2>&1 3>&- &
	eventually grep -q 'uid 65534, port 80: listening' "$WORK/out"
	equal page "$(in_net curl -s http://127.0.0.1/)" "hello from a pod"
	equal owner "$(bindgate list -j | json "[(g['owner'], [r['rule'] for r in g['rules']]) for g in d['gates']]")" '[["oci-hook", ["80/tcp"]]]'
	run run_container team=web bindgate.io/rules=443/tcp -- 81
	ended 1 'uid 65534, port 81: Permission denied'
}

@test "what it may not ask stops it, and says why" {
	run run_container team=web bindgate.io/rules=22/tcp -- 22
	[ "$status" -ne 0 ]
	ended "$status" "it may not ask for 22/tcp"
	run run_container bindgate.io/rules=80/tcp -- 80
	ended "$status" "it asks for 80/tcp, but no grant speaks of it"
	equal none "$(bindgate list -j | json "d['gates']")" "[]"
}

@test "without --required the container starts, without the port" {
	sed -i 's|"--required", ||' "$WORK/hooks/bindgate.json"
	run run_container team=web bindgate.io/rules=22/tcp -- 22
	ended 1 'uid 65534, port 22: Permission denied'
}

@test "a container without a cgroup of its own is not gated: others are in there too" {
	local state='{"ociVersion":"1.0","id":"x","status":"creating","pid":PID,"bundle":"/","annotations":{"team":"web","bindgate.io/rules":"80/tcp"}}'
	mkdir -p "$CG/pods/hook"
	in_cgroup "$CG/pods" sleep 60 3>&- & # a process in a cgroup above the hook's own
	wait_for "$CG/pods" sleep
	for at in "$CG/pods" "$CG/pods/hook"; do
		run -1 in_cgroup "$at" "$BINDGATE" oci-hook --required --config "$WORK/grants.yaml" <<<"${state/PID/$pid}"
		ended 1 "its process is in $NAME/pods, as this hook itself is"
	done
	equal none "$(bindgate list -j | json "d['gates']")" "[]"
}

@test "a grant that cannot count in the container's network namespace stops it, and says what would" {
	NETWORK=none run_container team=web bindgate.io/rules=80/tcp -- 80 >"$WORK/out" 2>&1 3>&- &
	eventually grep -q 'uid 65534, port 80: listening' "$WORK/out"
	sed -i '/netns: any/d' "$WORK/grants.yaml"
	NETWORK=none run run_container team=web bindgate.io/rules=443/tcp -- 443
	[ "$status" -ne 0 ]
	ended "$status" "put netns: any into the grant"
}

@test "the hook takes no nonsense, and takes no time" {
	local state bad
	state="{\"ociVersion\":\"1.0\",\"id\":\"x\",\"status\":\"creating\",\"pid\":$$,\"bundle\":\"/\",\"annotations\":{\"team\":\"web\",\"bindgate.io/rules\":\"80/tcp\"}}"
	for bad in '' '[]' '{' '{"pid":"1"}' '{"annotations":{"team":"web"}}' "${state/$$/0}" "${state/$$/-1}" "${state/$$/99999999999}" \
		'{"pid":1,"annotations":7}' "$(head -c 2000000 /dev/zero | tr '\0' ' ')" $'{"id":"\xff"}'; do
		run bindgate oci-hook --required --config "$WORK/grants.yaml" <<<"$bad"
		[ "$status" -le 1 ]
	done
	in_cgroup "$CG" sleep 60 3>&- &
	until read -r pid <"$CG/cgroup.procs"; do :; done
	in_cgroup "$CG" true
	time_of() {
		local best=1000000 began took
		for _ in $(seq 20); do
			began=$(date +%s%N)
			"$BINDGATE" oci-hook --required --config "$WORK/grants.yaml" <<<"${state/$$/$pid}"
			took=$((($(date +%s%N) - began) / 1000))
			[ "$took" -ge "$best" ] || best=$took
		done
		echo "$best"
	}
	echo "$(time_of) us" >&2
	equal gate "$(rules_of)" 80/tcp
}
