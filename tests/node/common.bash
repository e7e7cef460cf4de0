# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the daemon's tests share, besides what the command line's have: a daemon of the test's own.

load ../cli/common

setup() {
	new_room
	CONFIG=$WORK/node.yaml
	SOCKET=$WORK/socket
}

teardown() {
	stop_daemon 2>/dev/null || true
	clear_room
}

# Writes the configuration: what comes on standard input, and where it listens.
configure() {
	cat >"$CONFIG.new"
	grep -q '^daemon:' "$CONFIG.new" || echo 'daemon:' >>"$CONFIG.new"
	sed -i "s|^daemon:|daemon:\n  listen: unix:$SOCKET|" "$CONFIG.new"
	mv "$CONFIG.new" "$CONFIG"
}

start_daemon() { # WORD... before the command
	"$@" "$BINDGATED" --config "$CONFIG" >"$WORK/stdout" 2>>"$WORK/stderr" 3>&- &
	DAEMON=$!
	eventually up
}

up() { # also where an engine is away, which /readyz is about
	[ "$(ask healthz)" = ok ]
}

ready() {
	[ "$(ask readyz)" = ready ]
}

ask() { # PATH
	curl -s --max-time 5 --unix-socket "$SOCKET" "http://localhost/$1"
}

stop_daemon() {
	[ -n "${DAEMON:-}" ] || return 0
	kill "$DAEMON"
	wait "$DAEMON"
	DAEMON=
}

gated() { # RULES CGROUP...
	local rules=$1 cgroup
	shift
	for cgroup; do
		[ "$(rules_of "$cgroup")" = "$rules" ] || return 1
	done
}

ungated() {
	gated '' "$@"
}

# One number of the metrics: metric 'name{labels}'
metric() {
	ask metrics | awk -v name="$1" '$1 == name { print $2 }'
}

# podman with a store and mounts of the test's own, in its network namespace.
pod_man() {
	printf '[containers]\ndefault_ulimits=["nofile=20000:20000","nproc=32768:32768"]\n' >"$WORK/containers.conf"
	CONTAINERS_CONF=$WORK/containers.conf nsenter --net="/proc/self/fd/$NET" unshare --mount --propagation private \
		podman --root "$WORK/root" --runroot "$WORK/run" --tmpdir "$WORK/tmp" --storage-driver vfs --cgroup-manager cgroupfs \
		--events-backend file --runtime runc --hooks-dir "$WORK/hooks" "$@" 3>&-
}

# What runtimes leave of the test's cgroups in the other hierarchies of a hybrid host.
clear_hierarchies() {
	local hierarchy
	for hierarchy in /sys/fs/cgroup/*/; do
		[ "$hierarchy" != "$CGROUP2/" ] || continue
		find "$hierarchy${NAME#/}" -depth -type d -exec rmdir {} + 2>/dev/null
		rmdir "$hierarchy$(dirname "${NAME#/}")" 2>/dev/null
	done
	return 0
}
