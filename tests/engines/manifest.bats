#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The manifests' own containers through a real containerd: with their mounts, capabilities, probes and security settings.
# Of the node, what is replaced is the test's own: /run, the cgroup that pods are below, the network namespace.

load ../node/containerd

ROOT_PACKAGES=libbpf1,libelf1,libjansson4,libcyaml1,libmicrohttpd12,libcurl4,libprotobuf-c1,nginx-light

setup_file() {
	export BASE_ROOT=${TMPDIR:-/tmp}/bindgate-manifest-root-$$
	mmdebstrap --quiet --variant=apt --include="$ROOT_PACKAGES" \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$BASE_ROOT.tar" >"$BASE_ROOT.log" 2>&1 || {
		cat "$BASE_ROOT.log" >&2
		return 1
	}
}

teardown_file() {
	rm -f "$BASE_ROOT.tar" "$BASE_ROOT.log"
}

setup() {
	new_room
	CRI=$WORK/run/containerd/containerd.sock
	NRI=$WORK/run/nri.sock
	mkdir -p "$WORK/run/containerd" "$WORK/logs" "$WORK/etc" "$WORK/empty"
	configure_containerd bindgate.test/pause:1
	make_node
	start_containerd
	cat >"$WORK/nginx.conf" <<-END
		daemon off;
		pid /run/nginx.pid;
		events {}
		http {
			client_body_temp_path /var/cache/nginx/client_temp;
			proxy_temp_path /var/cache/nginx/proxy_temp;
			fastcgi_temp_path /var/cache/nginx/fastcgi_temp;
			uwsgi_temp_path /var/cache/nginx/uwsgi_temp;
			scgi_temp_path /var/cache/nginx/scgi_temp;
			access_log off;
			server { listen 80; location / { return 200 "it works"; } }
		}
	END
	gcc -O1 -static -o "$WORK/pause" "$TREE/tests/node/serve.c"
	"$PYTHON" "$TREE/tests/node/image.py" bindgate.test/pause:1 "$WORK/pause.tar" "$WORK/pause"
	"$PYTHON" "$TREE/tests/engines/manifest.py" image bindgate.test/bindgated:1 "$BASE_ROOT.tar" "$WORK/image.tar" "$BINDGATE" "$BINDGATED" "$WORK/nginx.conf"
	for image in pause image; do
		in_runtime ctr -a "$CRI" -n k8s.io images import --snapshotter native "$WORK/$image.tar" >/dev/null
		rm "$WORK/$image.tar"
	done
}

# A node without a bpf file system: a mount namespace that has none, and in which mounts are shared, as on a host.
make_node() {
	in_cgroup "$CG" nsenter --net="/proc/self/fd/$NET" unshare --mount --propagation private bash -c '
		while mountpoint -q /sys/fs/bpf; do umount -l /sys/fs/bpf; done
		mount --make-rshared /
		echo $$
		exec sleep infinity' >"$WORK/node" 2>/dev/null 3>&- &
	eventually test -s "$WORK/node"
	NODE=$(<"$WORK/node")
}

start_containerd() {
	in_cgroup "$CG" nsenter -t "$NODE" -m -n containerd -c "$WORK/containerd.toml" >>"$WORK/containerd.log" 2>&1 3>&- &
	RUNTIME=$!
	eventually "$PYTHON" "$TREE/tests/node/cri.py" "$CRI" list >/dev/null 2>&1
}

in_runtime() {
	nsenter -t "$NODE" -m -n "$@"
}

teardown() {
	tail -n 5 "$WORK"/logs/*.log >&2 || true # shown where the test failed
	clear_containerd
}

# pod MANIFEST NAMESPACE UID: sets $sandbox and $container
pod() {
	local made
	made=$("$PYTHON" "$TREE/tests/engines/manifest.py" pod "$CRI" "$1" "{
		\"namespace\": \"$2\", \"uid\": \"$3\", \"parent\": \"$NAME/kubepods/besteffort/pod$3\", \"logs\": \"$WORK/logs\",
		\"image\": {\"bindgated\": \"bindgate.test/bindgated:1\", \"nginx\": \"bindgate.test/bindgated:1\"},
		\"host\": {\"/run\": \"$WORK/run\"}, \"configmaps\": \"$WORK/etc\", \"empty\": \"$WORK/empty\"}")
	sandbox=$(json "d['sandbox']" <<<"$made" | tr -d '"')
	container=$(json "d['containers'][0]" <<<"$made" | tr -d '"')
}

probe() { # NAME
	"$PYTHON" "$TREE/tests/engines/manifest.py" probe "$CRI" "$TREE/deploy/kubernetes/daemonset.yaml" "$1" "$daemon"
}

# The pod of the page's step 4, with the node's own nginx in the place of an image from a registry.
page_pod() {
	"$PYTHON" - "$TREE/doc/kubernetes.md" <<'END'
import sys, textwrap, yaml
text = open(sys.argv[1]).read()
pod = yaml.safe_load(textwrap.dedent(text[text.index('       apiVersion: v1'):text.index('\nThe gate is on')]))
box = pod['spec']['containers'][0]
assert box['image'] == 'nginx' and box['securityContext']['runAsUser'] == 101
# as the official image, it keeps its state in the two folders
box['command'] = ['nginx', '-e', '/dev/stderr', '-c', '/usr/local/sbin/nginx.conf']
print(yaml.safe_dump(pod))
END
}

@test "the DaemonSet's containers, and the pod of the page, through a restart of containerd" {
	"$PYTHON" -c 'import sys, yaml
print(yaml.safe_load(open(sys.argv[1]))["data"]["bindgate.yaml"])' "$TREE/deploy/kubernetes/configmap.yaml" |
		sed "s|^daemon:|daemon:\n  kubepods: $NAME/kubepods|; s|^  default: deny|&\n  netns: any|" >"$WORK/etc/bindgate.yaml"
	page_pod >"$WORK/ingress.yaml"
	pod "$TREE/deploy/kubernetes/daemonset.yaml" bindgate "11111111-aaaa-4bbb-8ccc-$(printf %012x $$)"
	daemon=$container
	eventually probe readinessProbe >/dev/null 2>&1
	probe livenessProbe >/dev/null
	[[ $(in_net curl -s http://127.0.0.1:9632/metrics) == *bindgate_gates_wanted* ]]
	pod "$WORK/ingress.yaml" ingress "22222222-aaaa-4bbb-8ccc-$(printf %012x $$)"
	eventually eval '[ "$(in_net curl -s http://127.0.0.1/)" = "it works" ]'
	# a runtime that starts again makes another socket: pods that come later are gated too
	"$PYTHON" "$TREE/tests/node/cri.py" "$CRI" remove "$sandbox"
	kill "$(pgrep -f "containerd -c $WORK/containerd.toml" -n)"
	wait "$RUNTIME" || true
	rm -f "$CRI"
	start_containerd
	pod "$WORK/ingress.yaml" ingress "33333333-aaaa-4bbb-8ccc-$(printf %012x $$)"
	eventually eval '[ "$(in_net curl -s http://127.0.0.1/)" = "it works" ]'
}
