#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the Makefile tells people and tools.

bats_require_minimum_version 1.5.0

setup() {
	TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/make-XXXXXX")
	cd "$TREE" || return
	VERSION=$(cat VERSION)
}

teardown() {
	rm -rf "$WORK"
}

# make as a person calls it, not as this run may have been asked for
plain_make() {
	env -u MAKEFLAGS -u MFLAGS -u V make "$@" 3>&-
}

@test "VERSION, the change log and the programs name one version" {
	[ "$(sed -n 's/^## \([0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)" = "$VERSION" ]
	[[ $("${BINDGATE:-build/bindgate}" --version) =~ ^bindgate\ "$VERSION"(\+g[0-9a-f]+)?\  ]]
	[[ $("${BINDGATED:-build/bindgated}" --version) =~ ^bindgated\ "$VERSION"(\+g[0-9a-f]+)?$ ]]
}

@test "the commit is in the version between releases, and nowhere else" {
	git init -q "$WORK"
	cp -r Makefile VERSION "$WORK"
	built() {
		# shellcheck disable=SC2016 # for make to expand
		printf 'include Makefile\nshown:\n\t@echo $(BUILT_VERSION)\n' | plain_make -s -C "$WORK" -f - shown
	}
	[ "$(built)" = "$VERSION" ]
	git -C "$WORK" -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m one
	[ "$(built)" = "$VERSION+g$(git -C "$WORK" rev-parse --short HEAD)" ]
	git -C "$WORK" tag "v$VERSION"
	[ "$(built)" = "$VERSION" ]
	rm -rf "$WORK/.git"
	[ "$(built)" = "$VERSION" ]
}

@test "V=1 shows the commands; without it a line for each file" {
	run -0 plain_make -n BUILD="$WORK/build" "$WORK/build/loader/lib/base/hash.o"
	grep -q 'clang.* -target bpf .*-c bpf/hooks.bpf.c' <<<"$output"
	cp -r Makefile VERSION include loader bpf vmlinux deploy "$WORK"
	run -0 plain_make -C "$WORK" build/loader/lib/base/hash.o
	grep -qx '  CC       build/loader/lib/base/hash.o' <<<"$output"
	[ "$(grep -c -- '-c loader' <<<"$output")" -eq 0 ]
	rm "$WORK/build/loader/lib/base/hash.o"
	run -0 plain_make -C "$WORK" V=1 build/loader/lib/base/hash.o
	[ "$(grep -c -- '-c loader/lib/base/hash.c' <<<"$output")" -eq 1 ]
}

@test "compile_commands.json has every source, and its commands compile" {
	cp -r Makefile VERSION include loader bpf vmlinux tests bench deploy "$WORK"
	plain_make -s -C "$WORK" compile_commands >/dev/null
	cd "$WORK"
	python3 -IS - <<-'END'
		import glob, json, os, subprocess
		commands = {c['file']: c['command'] for c in json.load(open('compile_commands.json'))}
		missing = {f for folder in ('bpf', 'loader', 'tests', 'bench')
		           for f in glob.glob(folder + '/**/*.c', recursive=True)} - commands.keys()
		assert not missing, missing
		for file in 'bpf/hooks.bpf.c', 'loader/lib/gate/programs.c', 'loader/lib/base/version.c', 'loader/node/source/cri.c':
		    subprocess.run(commands[file] + ' -o /dev/null', shell=True, check=True)
	END
}

@test "what the build needs and does not find, or finds too old, is named" {
	run -1 deploy/needs.sh sh nosuchprogram libbpf=0.1 libbpf=99 nosuchlibrary=2
	[ "$output" = "bindgate's build needs the program nosuchprogram
bindgate's build needs libbpf 99 or later: here is $(pkg-config --modversion libbpf)
bindgate's build needs nosuchlibrary 2 or later, with its headers: there is none here
On Debian, deploy/packages.sh build installs all of it." ]
	run -2 plain_make -s PKG_CONFIG=false BUILD="$WORK/build" "$WORK/build/loader/lib/base/hash.o"
	[[ $output == *"bindgate's build needs libbpf 0.7 or later"* ]]
	[ ! -e "$WORK/build/hooks.bpf.o" ]
}
