#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Formatting, static analysis, and a build by each compiler in which a warning is an error.
set -eu
cd "$(dirname "$0")/.."

step() {
	echo "lint: $1"
}

step 'clang-format'
git ls-files '*.c' '*.h' | grep -v '^vmlinux/' | xargs clang-format --dry-run -Werror

step 'gcc and clang, warnings as errors'
for compiler in gcc clang; do
	make -s -j2 CC=$compiler WERROR=1 BUILD=build/lint-$compiler all tests
done

step 'cppcheck'
# It loses its way in compound literals and statements; what is uninitialised, the compilers and clang-tidy find better.
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
	--suppress=missingIncludeSystem --suppress=missingInclude --suppress=internalAstError --suppress=uninitvar --suppress=varFuncNullUB --suppress=preprocessorErrorDirective \
	-D_GNU_SOURCE -D'LIBBPF_OPTS(type, name, ...)=struct type name' -D'json_array_foreach(array, i, value)=for (;;)' \
	-Iinclude -Iloader/lib -i build loader bench tests

step 'shellcheck'
git ls-files | xargs grep -lE '^#!.*\b(ba)?sh$' | xargs shellcheck
