#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make lint-rooms finds each kind of include, and of declaration, that the rooms do not allow.

bats_require_minimum_version 1.5.0

setup() {
	TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/rooms-XXXXXX")
	cp -r "$TREE/include" "$TREE/bpf" "$TREE/loader" "$WORK/"
}

teardown() {
	rm -rf "$WORK"
}

# Puts the line into a file of the tree, where it is wrong; the check has to say so, and nothing else.
finds() { # FILE LINE PROBLEM
	echo "$2" >>"$WORK/$1"
	run -1 "$TREE/deploy/rooms.py" "$WORK"
	local wanted
	wanted="$1:$(wc -l <"$WORK/$1"): $3"
	[ "$output" = "$wanted" ] || {
		printf -- '-- got\n%s\n-- wanted\n%s\n' "$output" "$wanted" >&2
		return 1
	}
	sed -i '$d' "$WORK/$1"
}

@test "the tree keeps to its rooms" {
	run -0 "$TREE/deploy/rooms.py" "$TREE"
	run -0 "$TREE/deploy/rooms.py" "$WORK"
}

@test "an edge that is not in the table is found" {
	finds loader/lib/policy/rule.c '#include "gate/gate.h"' 'policy may not include "gate/gate.h": it may include base'
	finds loader/lib/base/hash.c '#include "policy/rule.h"' 'base may not include "policy/rule.h": it may include no other room'
	finds loader/cli/cli.c '#include "node/stats.h"' \
		'cli may not include "node/stats.h": it may include base, cgroup, config, explain, gate, permanent, policy, report, systemd'
	finds loader/node/say.c '	#  include "cli/cli.h"' \
		'node may not include "cli/cli.h": it may include base, cgroup, config, explain, gate, permanent, policy, report, systemd'
	finds include/bindgate/decide.h '#include "policy/rule.h"' 'bindgate may not include "policy/rule.h": it may include no other room'
	finds bpf/report.h '#include "base/hash.h"' 'bpf may not include "base/hash.h": it may include no other room'
	finds loader/lib/explain/explain.h '#include "config/file.h"' \
		'explain may not include "config/file.h": it may include base, cgroup, gate, policy, systemd'
}

@test "an include that hides its room is found" {
	finds loader/lib/policy/rule.c '#include "parser.h"' '"parser.h" does not name its room'
	finds loader/lib/policy/rule.c '#include <gate/gate.h>' '<gate/gate.h> is ours: write "gate/gate.h"'
	finds loader/cli/cli.c '#include "hooks.skel.h"' '"hooks.skel.h" is for gate alone'
}

@test "an internal header taken by another room is found" {
	finds loader/cli/cli.c '#include "gate/pins_internal.h"' '"gate/pins_internal.h" is for gate alone'
	finds loader/lib/explain/explain.c '#include "cgroup/mount_internal.h"' '"cgroup/mount_internal.h" is for cgroup alone'
}

@test "a function that is not in the source beside its header is found" {
	finds loader/lib/policy/rule.h 'int bg_rule_parse(const char *text, struct bg_rule *out, struct bg_error *error);' \
		'bg_rule_parse is declared here and not defined in rule.c beside it'
	finds loader/lib/gate/links_internal.h 'const struct bg_gate *bg_gone(void);' \
		'bg_gone is declared here and not defined in links.c beside it'
	echo 'void bg_alone(int (*each)(void *arg));' >"$WORK/loader/lib/base/alone.h"
	run -1 "$TREE/deploy/rooms.py" "$WORK"
	[ "$output" = 'loader/lib/base/alone.h:1: bg_alone is declared here and not defined in alone.c beside it' ]
}

@test "a room that the table does not know is found" {
	mkdir "$WORK/loader/lib/attic"
	echo '#include <stdio.h>' >"$WORK/loader/lib/attic/old.c"
	run -1 "$TREE/deploy/rooms.py" "$WORK"
	[ "$output" = 'loader/lib/attic/old.c:1: room attic is not in the table of deploy/rooms.py' ]
}

@test "CONTRIBUTING.md shows the table" {
	PYTHONDONTWRITEBYTECODE=1 python3 - "$TREE" <<-'END'
		import re, sys
		sys.path.insert(0, sys.argv[1] + '/deploy')
		import rooms
		page = open(sys.argv[1] + '/CONTRIBUTING.md').read()
		shown = {room: {word for word in re.split(r'[, ]+', edges) if word != 'nothing' and word != 'else'}
		         for room, edges in re.findall(r'^\| `loader/lib/(\w+)/` \| .* \| (.*) \|$', page, re.M)}
		wanted = {room: rooms.MAY_INCLUDE[room] for room in rooms.LIBRARY}
		assert shown == wanted, (shown, wanted)
	END
}
