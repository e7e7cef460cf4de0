#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is handed on: the tarball, the packages, the image. Slower than the rest: make check-packages.

bats_require_minimum_version 1.5.0

setup_file() {
	TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export TREE
	export SHARED=$BATS_FILE_TMPDIR
	cd "$TREE" || return
	plain_make -s dist BUILD="$SHARED/dist" >&2
	VERSION=$(cat VERSION)
	export VERSION
	tar -C "$SHARED" -xf "$SHARED/dist/bindgate-$VERSION.tar.gz"
}

# make as a person calls it, not as this run may have been asked for
plain_make() {
	env -u MAKEFLAGS -u MFLAGS -u V -u COMMIT nice make "$@" 3>&-
}

@test "make dist: one tarball, whose checksum holds, the same each time" {
	cd "$SHARED/dist"
	sha256sum --check --strict "bindgate-$VERSION.tar.gz.sha256"
	plain_make -s -C "$TREE" dist BUILD="$BATS_TEST_TMPDIR"
	cmp "$BATS_TEST_TMPDIR/bindgate-$VERSION.tar.gz" "bindgate-$VERSION.tar.gz"
	[ -z "$(find "$SHARED/bindgate-$VERSION" -type d -name build -o -name '*.o')" ]
	[ -x "$SHARED/bindgate-$VERSION/debian/rules" ]
}

@test "two builds in different folders are the same bytes" {
	local folder
	for folder in one some/other/place; do
		mkdir -p "$BATS_TEST_TMPDIR/$folder"
		cp -r "$SHARED/bindgate-$VERSION" "$BATS_TEST_TMPDIR/$folder/"
		CCACHE_DISABLE=1 plain_make -s -j2 -C "$BATS_TEST_TMPDIR/$folder/bindgate-$VERSION" all >/dev/null
	done
	cd "$BATS_TEST_TMPDIR"
	for file in hooks.bpf.o hooks.skel.h bindgate bindgated; do
		cmp "one/bindgate-$VERSION/build/$file" "some/other/place/bindgate-$VERSION/build/$file"
	done
	run ! grep -qF "$BATS_TEST_TMPDIR" "one/bindgate-$VERSION/build/bindgate"
}

@test "STATIC=1 makes a command that needs no library" {
	plain_make -s -j2 -C "$SHARED/bindgate-$VERSION" STATIC=1 BUILD="$BATS_TEST_TMPDIR" all >/dev/null
	[ "$(ldd "$BATS_TEST_TMPDIR/bindgate" 2>&1 | xargs)" = "not a dynamic executable" ]
	[[ $("$BATS_TEST_TMPDIR/bindgate" --version) == "bindgate $VERSION "* ]]
	run -0 env BINDGATE_PIN_DIR="${BINDGATE_PIN_DIR:-/sys/fs/bpf/bindgate-test-$$}-static" "$BATS_TEST_TMPDIR/bindgate" run 80/tcp -- true
	env BINDGATE_PIN_DIR="${BINDGATE_PIN_DIR:-/sys/fs/bpf/bindgate-test-$$}-static" "$BATS_TEST_TMPDIR/bindgate" detach --all
	[ ! -e "$BATS_TEST_TMPDIR/bindgated" ]
}

@test "make check-unit passes for somebody who is not root" {
	chmod -R a+rX "$BATS_RUN_TMPDIR" "$SHARED"
	cp -r "$SHARED/bindgate-$VERSION" "$BATS_TEST_TMPDIR/tree"
	chown -R 65534:65534 "$BATS_TEST_TMPDIR"
	plain_make -s -j2 -C "$BATS_TEST_TMPDIR/tree" tests >/dev/null
	chown -R 65534:65534 "$BATS_TEST_TMPDIR"
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups env -u MAKEFLAGS HOME=/nonexistent \
		make -s -C "$BATS_TEST_TMPDIR/tree" check-unit 3>&-
	[[ ${lines[-1]} =~ ^[0-9]{2,}\ passed,\ 0\ failed$ ]]
}

@test "the other packagings name this version and files that are installed" {
	[ "$(sed -n 's/^Version: *//p' "$TREE/packaging/bindgate.spec")" = "$VERSION" ]
	[ "$(sed -n 's/^pkgver=//p' "$TREE/packaging/PKGBUILD")" = "$VERSION" ]
	[ "$(dpkg-parsechangelog -l "$TREE/debian/changelog" -S Version)" = "$VERSION" ]
	bash -n "$TREE/packaging/PKGBUILD"
	run -0 rpmspec --define '_unitdir /usr/lib/systemd/system' -P "$TREE/packaging/bindgate.spec"
}
