# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A containerd of the test's own, and pods in it.

load ../node/common

setup() {
	new_room
	CONFIG=$WORK/node.yaml
	SOCKET=$WORK/socket
	CRI=$WORK/containerd.sock
	NRI=$WORK/nri.sock
	mkdir "$WORK/images" "$WORK/logs" "$WORK/run"
	gcc -O1 -static -o "$WORK/images/pause" "$TREE/tests/node/serve.c"
	cp "$WORK/images/pause" "$WORK/images/serve"
	gcc -O1 -static -o "$WORK/images/first" "$TREE/tests/engines/first.c"
	"$PYTHON" "$TREE/tests/node/image.py" bindgate.test/pod:1 "$WORK/image.tar" "$WORK/images/"*
	configure_containerd bindgate.test/pod:1
	start_containerd
	in_runtime ctr -a "$CRI" -n k8s.io images import --snapshotter native "$WORK/image.tar" >/dev/null
	UID1=11111111-aaaa-4bbb-8ccc-$(printf %012x $$)
	UID2=22222222-aaaa-4bbb-8ccc-$(printf %012x $$)
}

# With $CRI and $NRI as its sockets.
configure_containerd() { # SANDBOX-IMAGE
	cat >"$WORK/containerd.toml" <<-END
		version = 2
		root = "$WORK/root"
		state = "$WORK/state"
		[grpc]
		  address = "$CRI"
		[plugins."io.containerd.nri.v1.nri"]
		  disable = false
		  socket_path = "$NRI"
		  plugin_path = "$WORK/nri"
		  plugin_config_path = "$WORK/nri"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$WORK/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "$1"
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
}

# In a mount namespace of its own, which goes with it, and the test's network namespace; from $ENGINE, a root of its own,
# where that is set.
start_containerd() {
	in_cgroup "$CG" nsenter --net="/proc/self/fd/$NET" unshare --mount --propagation private \
		"$TREE/tests/engines/within" "${ENGINE:-/}" "$WORK" \
		containerd -c "$WORK/containerd.toml" >>"$WORK/containerd.log" 2>&1 3>&- &
	CONTAINERD=$!
	eventually "$PYTHON" "$TREE/tests/node/cri.py" "$CRI" list >/dev/null 2>&1
	RUNTIME=$(pgrep -n -f "containerd -c $WORK/containerd.toml")
}

in_runtime() {
	nsenter -t "$RUNTIME" -m -n -r "$@"
}

clear_containerd() {
	stop_daemon 2>/dev/null || true
	# shims and containers are in cgroups of the test's, and so is containerd
	for try in 1 2 3 4 5; do
		find "$CG" -name cgroup.kill -exec sh -c 'echo 1 >"$1"' sh {} \; 2>/dev/null
		sleep 0.1
	done
	clear_hierarchies
	clear_room
}

teardown() {
	clear_containerd
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
