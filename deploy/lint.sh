#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Formatting, static analysis, and a build by each compiler in which a warning is an error. A finding that is none is
# put down beside its line, with the reason; checks that are none of ours, in .clang-tidy and deploy/cppcheck.cfg.
set -eu
cd "$(dirname "$0")/.."

step() {
	echo "lint: $1"
}

files() { # PATTERN... less what is generated
	git ls-files "$@" | grep -v '^vmlinux/'
}

step 'rooms'
deploy/rooms.py

step 'clang-format'
files '*.c' '*.h' | xargs clang-format --dry-run -Werror

step 'gcc -fanalyzer and clang, warnings as errors'
make -s -j2 CC=gcc CFLAGS='-O2 -g -fanalyzer' WERROR=1 BUILD=build/lint-gcc all tests >/dev/null
make -s -j2 CC=clang WERROR=1 BUILD=build/lint-clang all tests >/dev/null

step 'clang-tidy'
# one file a process: with several, clang-tidy 14 takes each va_list for uninitialised
files '*.c' | grep -v '^bpf/' | xargs -P2 -I{} clang-tidy --quiet {} -- -std=gnu11 -D_GNU_SOURCE \
	-Iinclude -Iloader/lib -Iloader -isystem build/lint-clang 2>build/clang-tidy.log || {
	grep -vE 'warnings? generated' build/clang-tidy.log
	exit 1
}

step 'cppcheck'
# NULL is a pointer in glibc: it may stand behind variable arguments
cppcheck --quiet -j2 --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
	--suppress=missingInclude --suppress=missingIncludeSystem --suppress=varFuncNullUB:tests/kernel/* \
	--library=deploy/cppcheck.cfg -D_GNU_SOURCE -Iinclude -Iloader/lib -Iloader -i build loader bench tests

step 'shellcheck'
files | xargs grep -lE '^#!.*\b(ba)?sh$' | xargs shellcheck

step 'pyflakes'
files '*.py' | xargs pyflakes3
