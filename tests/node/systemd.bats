#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# systemd booted as PID 1 in namespaces of its own: the unit of the daemon, services with DynamicUser
# that bind port 80.

load common

# A minimal root file system, made once a run.
setup_file() {
	export ROOT=${TMPDIR:-/tmp}/bindgate-systemd-root-$$
	mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,python3-minimal,curl,libcyaml1,libjansson4,libmicrohttpd12,libbpf1,libcurl4,libprotobuf-c1 \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$ROOT" >"$ROOT.log" 2>&1 || {
		cat "$ROOT.log" >&2
		return 1
	}
}

teardown_file() {
	rm -rf "$ROOT" "$ROOT.log"
}

setup() {
	new_room
	install -D -m 755 "$BINDGATE" "$ROOT/usr/local/sbin/bindgate"
	install -D -m 755 "$BINDGATED" "$ROOT/usr/local/sbin/bindgated"
	install -D -m 644 "$TREE/deploy/systemd/bindgated.service" "$ROOT/etc/systemd/system/bindgated.service"
	# this machine's own pins are not to be touched
	mkdir -p "$ROOT/etc/systemd/system/bindgated.service.d" "$ROOT/etc/bindgate"
	printf '[Service]\nEnvironment=BINDGATE_PIN_DIR=%s\nBindPaths=%s\n' "$BINDGATE_PIN_DIR" "${BINDGATE_COUNTS:-}" >"$ROOT/etc/systemd/system/bindgated.service.d/test.conf"
	cat >"$ROOT/usr/local/bin/page" <<-'END'
		#!/usr/bin/python3
		import socket
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(('127.0.0.1', 80))
		s.listen()
		while True:
		    c = s.accept()[0]
		    c.recv(4096)
		    c.sendall(b'HTTP/1.0 200 OK\r\n\r\nhello\n')
		    c.close()
	END
	chmod 755 "$ROOT/usr/local/bin/page"
	cat >"$ROOT/etc/systemd/system/web@.service" <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page
		DynamicUser=yes
		NoNewPrivileges=yes
		CapabilityBoundingSet=
	END
	mkdir "$CG/machine"
	"$TREE/tests/node/boot" "$ROOT" "$CG/machine" >"$WORK/boot" 2>&1 3>&- &
	SYSTEMD=
	for _ in $(seq 500); do
		SYSTEMD=$(cat "$CG/machine/init.scope/cgroup.procs" 2>/dev/null | head -n 1)
		if [ -n "$SYSTEMD" ] && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then
			break
		fi
		sleep 0.02
	done
	inside systemctl is-system-running >&2 || cat "$WORK/boot" >&2
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || inside journalctl --no-pager -o short-monotonic >&2
	clear_room
}

# A command within that machine.
inside() {
	nsenter -t "$SYSTEMD" -p -m -C -n -i -u -r -w env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
		BINDGATE_PIN_DIR="$BINDGATE_PIN_DIR" "$@"
}

page() {
	inside curl -s --retry 30 --retry-delay 0 --retry-max-time 5 --retry-connrefused http://127.0.0.1/
}

@test "the daemon's unit starts, and services that come later have their port" {
	cat >"$ROOT/etc/bindgate/bindgate.yaml" <<-'END'
		daemon: {log: all, log_to: journald}
		gates:
		- {cgroup: "unit:web@one", rules: [80/tcp]}
	END
	run -0 inside systemctl start bindgated
	equal state "$(inside systemctl show -P ActiveState bindgated)" active
	[[ " $(inside systemctl show -P After bindgated) " == *" systemd-journald.socket "* ]] # the log may go there
	inside systemctl start web@one
	equal page "$(page)" hello
	run -0 inside bindgate list
	ended 0 "web@one.service"
	ended 0 "1 allowed"
	inside journalctl -o cat -t bindgated | grep -q '"verdict":"allow"'
	inside systemctl stop web@one
	inside systemctl start web@two
	eventually eval 'inside journalctl -u web@two | grep -q "Permission denied"'
	# reload and stop: gates stay
	inside systemctl reload bindgated
	inside systemctl start web@one
	inside systemctl stop bindgated
	equal page "$(page)" hello
	inside bindgate list | grep -q web@one
}

@test "the unit is as confined as BPF allows" {
	echo 'gates: []' >"$ROOT/etc/bindgate/bindgate.yaml"
	inside systemctl start bindgated
	local score
	score=$(inside systemd-analyze security --no-pager bindgated | grep 'Overall exposure' | grep -oE '[0-9]+\.[0-9]+' | tail -n 1)
	echo "score $score" >&2
	awk -v score="$score" 'BEGIN { exit !(score > 0 && score <= 2.5) }'
	equal privileges "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$(inside systemctl show -P MainPID bindgated >/dev/null; pgrep -f -x /usr/local/sbin/bindgated | tail -n 1)/status")" 1
}

@test "systemd restarts a daemon that hangs, and the gates stand meanwhile" {
	printf '[Service]\nWatchdogSec=1\nRestartSec=0\n' >"$ROOT/etc/systemd/system/bindgated.service.d/watchdog.conf"
	echo 'gates: [{cgroup: "unit:web@one", rules: [80/tcp]}]' >"$ROOT/etc/bindgate/bindgate.yaml"
	inside systemctl start bindgated
	inside systemctl start web@one
	equal page "$(page)" hello
	inside systemctl kill -s STOP bindgated
	sleep 0.5
	equal page "$(page)" hello
	eventually eval '[ "$(inside systemctl show -P NRestarts bindgated)" -ge 1 ] && [ "$(inside systemctl show -P ActiveState bindgated)" = active ]'
	equal page "$(page)" hello
	rm "$ROOT/etc/systemd/system/bindgated.service.d/watchdog.conf"
}

@test "run from a user's session is in a scope of the user's slice, which systemd makes" {
	local slice=/user.slice/user-65534.slice tree=/sys/fs/cgroup
	inside systemd-run --quiet --unit=session -p User=65534 -p Delegate=yes -p Slice=user-65534.slice sleep infinity
	inside mkdir "$tree$slice/session.service/terminal"
	inside chown -R 65534 "$tree$slice/session.service/terminal"
	from_terminal() {
		inside sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$tree$slice/session.service/terminal" "$@"
	}
	run -7 from_terminal bindgate run --user nobody 80/tcp -- python3 -c 'import os, socket
socket.socket().bind(("127.0.0.1", 80))
print(os.getuid(), *[line.strip() for line in open("/proc/self/cgroup") if line.startswith("0::")])
exit(7)'
	echo "$output" >&2
	[[ $output =~ ^"65534 0::$slice/bindgate-run-"[0-9]+".scope/bindgate-run-"[0-9]+$ ]]
	eventually eval '! inside systemctl --no-legend list-units "bindgate-run-*" | grep .'
	# what holds for the whole slice, holds for the scope
	inside bindgate attach --default deny "$slice" 81/tcp
	run -1 from_terminal bindgate run 80/tcp -- python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 80))'
	ended 1 PermissionError
	inside bindgate detach "$slice"
	inside bindgate attach --default deny "$slice/session.service" 81/tcp
	run -1 from_terminal bindgate run 80/tcp -- true
	ended 1 "the gate of $slice/session.service would not hold: systemd-run --scope bindgate run"
	run -0 from_terminal systemd-run --quiet --scope bindgate run 80/tcp -- true
	inside bindgate detach "$slice/session.service"
	inside systemctl stop session
}
