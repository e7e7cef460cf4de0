# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A machine of the test's own with systemd as PID 1: its root file system is one folder for all tests of a run, over which
# each test has its own ($OWN). $MACHINE is that root as it is seen from here while the machine runs.

load ../cli/common

export ROOT=${TMPDIR:-/tmp}/bindgate-systemd-root
# shellcheck disable=SC2034 # of the tests
DROPINS=/etc/systemd/system

setup_file() {
	make_root
}

teardown_file() {
	clear_root
}

setup() {
	new_machine
	boot
}

teardown() {
	journal_if_failed
	clear_room
}

# What all machines have; made once a run, by whoever comes first.
make_root() {
	(
		flock 7
		[ ! -e "$ROOT.made" ] || exit 0
		rm -rf "$ROOT"
		mmdebstrap --quiet --variant=minbase --include="systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,procps,\
python3-minimal,curl,nginx-light,libcyaml1,libjansson4,libmicrohttpd12,libbpf1,libcurl4,libprotobuf-c1,\
python3,apache2,haproxy,unbound,dns-root-data,caddy" \
			"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$ROOT" >"$ROOT.log" 2>&1 7>&- || {
			cat "$ROOT.log" >&2
			exit 1
		}
		rm -f "$ROOT"/etc/systemd/system/multi-user.target.wants/{nginx,apache2,haproxy,unbound,caddy}.service
		rm -f "$ROOT/var/www/html/index.html" # apache's, which nginx would show
		touch "$ROOT.made"
	) 7>"$ROOT.lock"
}

# Without a run to clean up after it, each file of tests does so itself, unless KEEP_ROOT is set.
clear_root() {
	[ -n "${BINDGATE_TEST_CGROUP:-}" ] || [ -n "${KEEP_ROOT:-}" ] || rm -rf "$ROOT" "$ROOT.made" "$ROOT.lock" "$ROOT.log"
}

new_machine() {
	new_room
	OWN=$WORK/machine
	mkdir -p "$OWN/upper"
	install -D -m 755 "$BINDGATE" "$OWN/upper/usr/local/sbin/bindgate"
	install -D -m 755 "$BINDGATED" "$OWN/upper/usr/local/sbin/bindgated"
	install -D -m 644 "$TREE/deploy/systemd/bindgated.service" "$OWN/upper/etc/systemd/system/bindgated.service"
	mkdir -p "$OWN/upper/etc/systemd/system/bindgated.service.d" "$OWN/upper/usr/local/bin"
	echo '127.0.0.1 localhost' >"$OWN/upper/etc/hosts"
	# this machine's own pins are not to be touched
	printf '[Service]\nEnvironment=BINDGATE_PIN_DIR=%s\nBindPaths=%s\n' "$BINDGATE_PIN_DIR" "${BINDGATE_COUNTS:-}" \
		>"$OWN/upper/etc/systemd/system/bindgated.service.d/test.conf"
	cat >"$OWN/upper/usr/local/bin/page" <<-'PAGE'
		#!/usr/bin/python3
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(('127.0.0.1', int(sys.argv[1]) if len(sys.argv) > 1 else 80))
		s.listen()
		while True:
		    c = s.accept()[0]
		    c.recv(4096)
		    c.sendall(b'HTTP/1.0 200 OK\r\n\r\nhello\n')
		    c.close()
	PAGE
	chmod 755 "$OWN/upper/usr/local/bin/page"
}

# Boots it, the first time or anew.
boot() {
	mkdir "$CG/machine"
	"$TREE/tests/node/boot" "$ROOT" "$CG/machine" "$OWN" >"$WORK/boot" 2>&1 3>&- &
	SYSTEMD=
	for _ in $(seq 1500); do
		SYSTEMD=$(head -n 1 "$CG/machine/init.scope/cgroup.procs" 2>/dev/null || true)
		if [ -n "$SYSTEMD" ] && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then
			MACHINE=/proc/$SYSTEMD/root
			return
		fi
		sleep 0.02
	done
	cat "$WORK/boot" >&2
	return 1
}

# As if somebody pulled the plug: what it wrote stays.
power_off() {
	echo 1 >"$CG/machine/cgroup.kill"
	for _ in $(seq 100); do
		find "$CG/machine" -depth -type d -exec rmdir {} + 2>/dev/null || true
		[ -d "$CG/machine" ] || return 0
		sleep 0.05
	done
	return 1
}

reboot() {
	power_off
	boot
}

journal_if_failed() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || inside journalctl --no-pager -o short-monotonic >&2 || true
}

# A command within that machine.
inside() {
	nsenter -t "$SYSTEMD" -p -m -C -n -i -u -r -w env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
		BINDGATE_PIN_DIR="$BINDGATE_PIN_DIR" LC_ALL=C NO_COLOR=1 "$@"
}

page() { # [PORT]
	inside curl -s --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused "http://127.0.0.1:${1:-80}/"
}

# A unit's file, from standard input.
unit() { # NAME
	mkdir -p "$MACHINE/etc/systemd/system"
	cat >"$MACHINE/etc/systemd/system/$1"
	inside systemctl daemon-reload
}

state() { # UNIT
	inside systemctl show -P ActiveState "$1"
}

# Until the command succeeds, for up to twenty seconds.
eventually() {
	local end=$((SECONDS + 20))
	while [ "$SECONDS" -le "$end" ]; do
		"$@" && return
		sleep 0.05
	done
	echo "never: $*" >&2
	return 1
}

# Debian's nginx.service, as www-data: its own ExecStartPre=nginx -t binds the ports before ExecStart= does.
nginx_as_www_data() {
	mkdir -p "$MACHINE/etc/systemd/system/nginx.service.d"
	printf '[Service]\nUser=www-data\nRuntimeDirectory=nginx\nPIDFile=/run/nginx/nginx.pid\n' \
		>"$MACHINE/etc/systemd/system/nginx.service.d/user.conf"
	sed -i 's|^pid .*|pid /run/nginx/nginx.pid;|; s|^user .*||' "$MACHINE/etc/nginx/nginx.conf"
	inside chown -R www-data:www-data /var/log/nginx /var/lib/nginx
	inside systemctl daemon-reload
}
