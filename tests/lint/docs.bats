#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The pages name files that are there.

bats_require_minimum_version 1.5.0

setup() {
	TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
}

@test "every file that a page names is there" {
	run -0 python3 -IS "$BATS_TEST_DIRNAME/docs.py" "$TREE"
}

@test "a page that names one that is not is found" {
	cp "$TREE"/*.md "$BATS_TEST_TMPDIR"
	mkdir "$BATS_TEST_TMPDIR/doc"
	# shellcheck disable=SC2016 # the backticks are the page's
	echo 'See [it](doc/gone.md), `loader/lib/gone.c` and policy/gone.h.' >"$BATS_TEST_TMPDIR/doc/new.md"
	run -1 python3 -IS "$BATS_TEST_DIRNAME/docs.py" "$BATS_TEST_TMPDIR"
	grep -qxF 'doc/new.md: ](doc/gone.md)' <<<"$output"
	# shellcheck disable=SC2016
	grep -qxF 'doc/new.md: `loader/lib/gone.c`' <<<"$output"
	grep -qxF 'doc/new.md: policy/gone.h' <<<"$output"
}
