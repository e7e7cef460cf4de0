#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Is there what the build needs, and new enough? deploy/needs.sh NAME=VERSION... as pkg-config names libraries; a program
# is just a NAME. Says all that is missing, not the first alone.
set -u
status=0
for need in "$@"; do
	name=${need%%=*} least=${need#*=}
	if [ "$name" = "$need" ]; then
		command -v "$name" >/dev/null 2>&1 && continue
		echo "bindgate's build needs the program $name" >&2
	elif ! ${PKG_CONFIG:-pkg-config} --exists "$name"; then
		echo "bindgate's build needs $name $least or later, with its headers: there is none here" >&2
	elif ! ${PKG_CONFIG:-pkg-config} --atleast-version "$least" "$name"; then
		echo "bindgate's build needs $name $least or later: here is $(${PKG_CONFIG:-pkg-config} --modversion "$name")" >&2
	else
		continue
	fi
	status=1
done
[ "$status" -eq 0 ] || echo "On Debian, deploy/packages.sh build installs all of it." >&2
exit "$status"
