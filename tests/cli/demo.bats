#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The demo shows what it says, and leaves nothing behind, also when it is interrupted.

load common

left_behind() {
	find "$CGROUP2" /sys/fs/bpf -maxdepth 1 -name 'bindgate-demo-*'
}

@test "the demo is refused, served, rewritten and refused again" {
	run -0 "$TREE/deploy/demo.sh" "$BINDGATE" 3>&-
	equal refused "$(grep -c 'Permission denied' <<<"$output")" 2
	equal served "$(grep -c 'Hello from port 80.' <<<"$output")" 2
	ended 0 "rewritten, 0 denied"
	equal left "$(left_behind)" ""
}

@test "the demo on pure cgroup v2, with bpffs not mounted" {
	run -0 unshare --mount bash -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && umount -l /sys/fs/bpf && exec "$@"' \
		bash "$TREE/deploy/demo.sh" "$BINDGATE" 3>&-
	equal served "$(grep -c 'Hello from port 80.' <<<"$output")" 2
	equal left "$(left_behind)" ""
}

@test "an interrupted demo clears up" {
	local signal delay interrupted=0
	for signal in INT TERM; do
		for delay in 0.1 0.3 0.5 0.7; do
			run timeout --foreground --signal "$signal" "$delay" "$TREE/deploy/demo.sh" "$BINDGATE" 3>&-
			[ "$status" -eq 0 ] || interrupted=$((interrupted + 1))
			equal "left after SIG$signal at $delay s" "$(left_behind)" ""
		done
	done
	[ "$interrupted" -ge 4 ]
}

@test "the recording in the README is drawn from a real terminal, and shows what the demo shows" {
	run -0 "$TREE/deploy/record.py" "$WORK/demo.svg" "$TREE/deploy/demo.sh" "$BINDGATE" 3>&-
	"$PYTHON" -IS - "$WORK/demo.svg" "$TREE/doc/demo.svg" <<-'END'
		import re, sys, xml.etree.ElementTree as tree
		def words(path):
		    texts = [''.join(t.itertext()) for t in tree.parse(path).iter('{http://www.w3.org/2000/svg}text')]
		    return [re.sub(r' +', ' ', re.sub(r'bindgate-demo-\d+|id \d+', 'X', t)) for t in texts]
		new, kept = map(words, sys.argv[1:])
		assert new == kept, (new, kept, 'make record')
		assert sum('Hello from port 80.' in t for t in new) == 2
	END
	equal left "$(left_behind)" ""
	run "$TREE/deploy/record.py" "$WORK/other.svg" false
	[ "$status" -ne 0 ]
	[ ! -e "$WORK/other.svg" ]
}
