#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Debian packages: built, checked by lintian, and put into a machine that systemd has booted; upgraded, removed, purged.

load ../node/common

setup_file() {
	export ROOT=${TMPDIR:-/tmp}/bindgate-package-root-$$ DEBS=$BATS_FILE_TMPDIR/debs
	mkdir -p "$DEBS"
	mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,python3-minimal,curl,libcyaml1,libjansson4,libmicrohttpd12,libbpf1,libcurl4,libprotobuf-c1 \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$ROOT" >"$ROOT.log" 2>&1 || {
		cat "$ROOT.log" >&2
		return 1
	}
	env -u MAKEFLAGS -u MFLAGS make -s -C "$TREE" dist BUILD="$DEBS" >&2 3>&-
	build_debs "$(cat "$TREE/VERSION")"
}

# The packages at that version, into $DEBS.
build_debs() { # VERSION
	local tree=$DEBS/tree-$1
	mkdir "$tree"
	tar -C "$tree" --strip-components 1 -xf "$DEBS"/bindgate-*.tar.gz
	if [ "$1" != "$(cat "$TREE/VERSION")" ]; then
		sed -i "1s/(.*)/($1)/" "$tree/debian/changelog"
		echo "$1" >"$tree/VERSION"
	fi
	# what is built again was tested before
	[ "$1" = "$(cat "$TREE/VERSION")" ] || local -x DEB_BUILD_OPTIONS=nocheck
	(cd "$tree" && env -u MAKEFLAGS -u MFLAGS -u V nice dpkg-buildpackage -b -uc -us -j2 >"$DEBS/build.log" 2>&1 3>&-) || {
		tail -50 "$DEBS/build.log" >&2
		return 1
	}
	mv "$DEBS"/*.deb "$ROOT/root/"
}

teardown_file() {
	rm -rf "$ROOT" "$ROOT.log"
}

setup() {
	new_room
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || inside journalctl --no-pager -o short-monotonic -n 50 >&2 || true
	clear_room
}

boot() {
	mkdir "$CG/machine"
	"$TREE/tests/node/boot" "$ROOT" "$CG/machine" >"$WORK/boot" 2>&1 3>&- &
	until SYSTEMD=$(head -n 1 "$CG/machine/init.scope/cgroup.procs" 2>/dev/null) && [ -n "$SYSTEMD" ] &&
		inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do
		sleep 0.1
	done
	inside mount -t bpf bpf /sys/fs/bpf # its own: not the pins of this machine
}

# A command within that machine.
inside() {
	nsenter -t "$SYSTEMD" -p -m -C -n -i -u -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		HOME=/root "$@" 3>&-
}

# UNIT TEXT
says() {
	inside journalctl -u "$1" | grep -q "$2"
}

# STATE UNIT
is() {
	[ "$(inside systemctl is-active "$2")" = "$1" ]
}

@test "lintian has nothing to say" {
	run -0 lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$ROOT"/root/bindgate_*.deb "$ROOT"/root/bindgated_*.deb
	equal tags "$output" ""
}

@test "installed, upgraded with gates standing, removed, purged" {
	local version
	version=$(cat "$TREE/VERSION")
	cat >"$ROOT/etc/systemd/system/web.service" <<-'END'
		[Service]
		ExecStart=/usr/bin/python3 -c "import socket; s = socket.create_server(('127.0.0.1', 80)); print('serves', flush=True); s.accept()"
		DynamicUser=yes
		NoNewPrivileges=yes
	END
	printf '[Service]\nExecStart=/bin/sleep infinity\n' >"$ROOT/etc/systemd/system/idle.service"
	boot
	run -0 inside sh -c "dpkg -i /root/bindgate_${version}_*.deb /root/bindgated_${version}_*.deb"
	equal version "$(inside bindgate --version | head -n 1 | cut -d ' ' -f 1-2)" "bindgate $version"
	equal enabled "$(inside systemctl is-enabled bindgated)" enabled
	eventually is active bindgated
	equal checked "$(inside bindgated --check >/dev/null; echo $?)" 0
	for file in usr/share/man/man8/bindgate.8.gz usr/share/man/man8/bindgated.8.gz usr/share/man/man5/bindgate.yaml.5.gz \
		usr/share/bash-completion/completions/bindgate usr/share/zsh/vendor-completions/_bindgate \
		usr/share/fish/vendor_completions.d/bindgate.fish etc/bindgate/bindgate.yaml; do
		[ -s "$ROOT/$file" ] || [[ $file == usr/share/man/* ]] # minbase roots may leave pages out
	done
	grep -q '"/usr/sbin/bindgate"' "$ROOT/usr/share/doc/bindgated/examples/podman/bindgate.json"

	# README's first screen, with the package alone
	inside systemctl start web
	eventually says web 'Permission denied'
	run -0 inside bindgate attach --permanent unit:web 80/tcp
	inside systemctl restart web
	eventually says web serves

	run -0 inside bindgate attach --permanent unit:idle 81/tcp
	inside systemctl restart idle

	# the programs are replaced, the gate stands
	build_debs "$version+upgrade"
	run -0 inside sh -c "dpkg -i /root/bindgate_$version+upgrade_*.deb /root/bindgated_$version+upgrade_*.deb"
	equal version "$(inside bindgate --version | head -n 1 | cut -d ' ' -f 1-2)" "bindgate $version+upgrade"
	eventually is active bindgated
	inside bindgate list | grep -q web.service

	# removed: what stands is told, and no unit fails for it
	run -0 inside dpkg -r bindgated bindgate
	ended 0 "bindgate: gates that stand, and stay until the machine restarts: 2."
	equal unit "$(inside systemctl is-active bindgated || true)" inactive
	inside systemctl restart idle
	equal starts "$(inside systemctl is-active idle)" active
	says idle 'is gone: this unit starts without its gate'

	# purged: nothing is left of it
	run -0 inside dpkg -P bindgated bindgate
	equal left "$(find "$ROOT/etc" "$ROOT/usr" "$ROOT/var/log" -name '*bindgate*' ! -path '*/dpkg/*' ! -name '*.deb')" ""
}
