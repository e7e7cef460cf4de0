#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the kernel and libbpf said is there for whoever asks, and for nobody else.

load common

# May load programs, but not such as do what ours do with pointers: the verifier refuses them.
without_perfmon() {
	setpriv --bounding-set -sys_admin,-perfmon "$BINDGATE" "$@"
}

@test "with --verbose the verifier's whole log is shown, without it one line" {
	run -1 --separate-stderr without_perfmon attach "$CG" 80
	equal lines "${#stderr_lines[@]}" 1
	[[ $stderr == *'this kernel refused the BPF programs: Permission denied;'*'--verbose'* ]]
	for option in -v --verbose; do
		run -1 --separate-stderr without_perfmon attach "$option" "$CG" 80
		[[ $stderr == *'BEGIN PROG LOAD LOG'*'pointer arithmetic'*'END PROG LOAD LOG'* ]]
		equal stdout "$output" ""
	done
	run -1 --separate-stderr without_perfmon --verbose --json attach "$CG" 80
	equal code "$(json "d['error']['code']" <<<"$output")" 1
}

@test "every command takes --verbose, and says nothing more without it" {
	run -0 --separate-stderr bindgate attach "$CG" 80
	equal quiet "$stderr" ""
	bindgate detach --all
	run -0 --separate-stderr bindgate attach -v "$CG" 80
	[[ $stderr == *'libbpf: '* ]]
	run -0 --separate-stderr bindgate -v probe
	[[ $stderr == *'bindgate: probe: waives: works'* ]]
	for command in $(bindgate help | sed -n 's/^  bindgate \([a-z-]*\) .*/\1/p'); do
		run -0 bindgate "$command" --verbose --help
	done
}
