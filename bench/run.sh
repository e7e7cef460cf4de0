#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the benches on a machine that does nothing else: bench/run.sh BUILD
set -eu
build=${1:-build}
printf '%s, Linux %s, %s CPUs\n\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r | cut -d- -f1)" "$(nproc)"
"$build/bench/bind"
echo
"$build/bench/gates" "$build/bindgate"
echo
/usr/bin/python3 bench/node.py "$build/bindgated"
echo
/usr/bin/python3 bench/pods.py "$build/bindgated"
