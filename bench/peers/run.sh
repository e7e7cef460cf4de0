#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the benches beside what others use, on a machine that does nothing else: bench/peers/run.sh BUILD OUT
set -eu
build=$1 out=$2
bench/peers/systemd "$build/peers/trixie" || echo 'peers: no systemd with SocketBindAllow= could be had' >&2
for bench in rules grant scale ways; do
	echo "== $bench"
	unshare --net /usr/bin/python3 "bench/peers/$bench.py" "$build" "$out"
done
