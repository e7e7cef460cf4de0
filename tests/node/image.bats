#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The image, built on a base made here, with the daemon run from it as the DaemonSet runs it; and the manifests.

load common

setup_file() {
	export BASE_ROOT=${TMPDIR:-/tmp}/bindgate-image-root-$$
	mmdebstrap --quiet --variant=apt --include=libbpf1,libelf1,libjansson4,libcyaml1,libmicrohttpd12,libcurl4,libprotobuf-c1 \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$BASE_ROOT.tar" >"$BASE_ROOT.log" 2>&1 || {
		cat "$BASE_ROOT.log" >&2
		return 1
	}
}

teardown_file() {
	rm -rf "$BASE_ROOT.tar" "$BASE_ROOT.log"
}

teardown() {
	pod_man rm -af -t 0 >/dev/null 2>&1 || true
	clear_hierarchies
	clear_room
}

@test "the image is built, and the daemon in it gates with the DaemonSet's capabilities" {
	mkdir "$WORK/hooks"
	pod_man import -q "$BASE_ROOT.tar" base:1 >/dev/null
	mkdir -p "$WORK/context/build"
	cp "$BINDGATE" "$BINDGATED" "$WORK/context/build/"
	run -0 pod_man build -q --isolation chroot --build-arg BASE=localhost/base:1 -f "$TREE/deploy/Containerfile" -t bindgated "$WORK/context"
	mkdir "$WORK/etc" "$CG/app"
	printf 'daemon: {listen: none}\ngates: [{cgroup: "%s/*", rules: [80/tcp]}]\n' "$NAME" >"$WORK/etc/bindgate.yaml"
	local caps
	caps=$(sed -n 's/.*add: \[\(.*\)\]/\1/p' "$TREE/deploy/kubernetes/daemonset.yaml" | tr -d ' ')
	pod_man run --rm --network none --user 0 --read-only --cap-drop all --cap-add "$caps" --security-opt no-new-privileges \
		--security-opt seccomp=unconfined --log-driver none --cgroup-parent "$NAME" --cgroupns private --env BINDGATE_PIN_DIR="$BINDGATE_PIN_DIR" \
		-v "$WORK/etc:/etc/bindgate:ro" -v /sys/fs/cgroup:/sys/fs/cgroup:ro -v /sys/fs/bpf:/sys/fs/bpf \
		bindgated >"$WORK/stdout" 2>"$WORK/stderr" 3>&- &
	eventually gated 80/tcp "$CG/app"
	mkdir "$CG/later"
	eventually gated 80/tcp "$CG/later"
}

@test "the manifests are sound, and ask for no more than they need" {
	"$PYTHON" - "$TREE/deploy/kubernetes" "$WORK" <<'END'
import glob, os, sys, yaml
folder, work = sys.argv[1:3]
files = {os.path.basename(f): yaml.safe_load(open(f)) for f in glob.glob(f'{folder}/*.yaml')}
for resource in files['kustomization.yaml']['resources']:
    assert resource in files, resource
for name, what in files.items():
    assert what['apiVersion'] and what['kind'], name
pod = files['daemonset.yaml']['spec']['template']['spec']
box = pod['containers'][0]
security = box['securityContext']
assert not security.get('privileged') and not pod.get('hostPID')
assert security['readOnlyRootFilesystem'] and not security['allowPrivilegeEscalation']
assert security['capabilities'] == {'drop': ['ALL'], 'add': ['BPF', 'NET_ADMIN', 'PERFMON', 'DAC_READ_SEARCH']}
mounted = {m['name'] for c in pod['containers'] + pod['initContainers'] for m in c['volumeMounts']}
assert mounted == {v['name'] for v in pod['volumes']}
assert files['daemonset.yaml']['spec']['selector']['matchLabels'] == files['daemonset.yaml']['spec']['template']['metadata']['labels']
assert box['readinessProbe'] and box['livenessProbe'] and box['resources']
open(f'{work}/bindgate.yaml', 'w').write(files['configmap.yaml']['data']['bindgate.yaml'])
END
	run -0 "$BINDGATED" --check "$WORK/bindgate.yaml"
	ended 0 "1 kinds of pods"
}
