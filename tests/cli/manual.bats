#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The manual pages and the README say what is so.

load common

@test "every example of the manual runs" {
	local commands=0 line
	cd "$WORK"
	while read -r line; do
		line=${line//\/app/$NAME}
		run -0 bash -c "PATH=${BINDGATE%/*}:\$PATH; ${line#\# }" 3>&-
		commands=$((commands + 1))
	done < <(grep '^# bindgate' "$TREE/doc/man/bindgate.8")
	[ "$commands" -gt 15 ]
}

@test "every command has an example and a paragraph in the manual" {
	for command in $(bindgate help | sed -n 's/^  bindgate \([a-z-]*\) .*/\1/p'); do
		grep -q "^# bindgate $command" "$TREE/doc/man/bindgate.8"
		grep -q "^.It Cm $command" "$TREE/doc/man/bindgate.8"
	done
}

@test "the manual pages are sound" {
	for page in "$TREE"/doc/man/*; do
		run -0 mandoc -T lint -W warning "$page"
		equal "$page" "$output" ""
	done
}

@test "the example of bindgate.yaml(5) is one" {
	sed -n '/^gates:/,/^.Ed/p' "$TREE/doc/man/bindgate.yaml.5" | sed '$d' >"$WORK/gates.yaml"
	mkdir -p "$CG/system.slice/system-web.slice/web$$@1.service"
	sed -i "s|cgroup: /app|cgroup: $NAME/system.slice|; s|unit:web@|unit:web$$@|" "$WORK/gates.yaml"
	run -0 bindgate apply "$WORK/gates.yaml"
	equal attached "$output" "attached $NAME/system.slice
attached $NAME/system.slice/system-web.slice/web$$@1.service"
}

@test "the README's everyday commands do what it shows" {
	local shown expected got
	while IFS=$'\t' read -r shown expected; do
		shown=${shown%%  #*}
		got=$(bash -c "PATH=${BINDGATE%/*}:\$PATH; ${shown//\/app/$NAME}" 2>&1 | head -n 1)
		equal "$shown" "${got//$NAME//app}" "$expected"
	done < <(awk '/^## Every day/ { on = 1 } /^A cgroup is named/ { exit } on && /^    # bindgate (attach|add|detach)/ {
		line = $0; getline; sub(/^    # /, "", line); sub(/^    /, ""); print line "\t" $0 }' "$TREE/README.md")
	[ -n "$got" ]
}

@test "make install puts everything where distributions do, and uninstall takes it away" {
	make -s -C "$TREE" install DESTDIR="$WORK/root" PREFIX=/usr BINDIR=/usr/sbin >/dev/null 3>&-
	for file in sbin/bindgate share/man/man8/bindgate.8 share/man/man5/bindgate.yaml.5 \
		sbin/bindgated share/man/man8/bindgated.8 lib/systemd/system/bindgated.service share/bash-completion/completions/bindgate share/zsh/site-functions/_bindgate \
		share/fish/vendor_completions.d/bindgate.fish; do
		[ -s "$WORK/root/usr/$file" ]
	done
	"$WORK/root/usr/sbin/bindgate" version
	grep -q '^ExecStart=/usr/sbin/bindgated$' "$WORK/root/usr/lib/systemd/system/bindgated.service"
	grep -q '"/usr/sbin/bindgate"' "$WORK/root/usr/share/doc/bindgate/examples/podman/bindgate.json"
	run -0 "$WORK/root/usr/sbin/bindgated" --check "$WORK/root/etc/bindgate/bindgate.yaml"
	make -s -C "$TREE" uninstall DESTDIR="$WORK/root" PREFIX=/usr BINDIR=/usr/sbin
	equal left "$(find "$WORK/root" -type f)" "$WORK/root/etc/bindgate/bindgate.yaml"
	! grep -r /usr/local "$WORK/root"
}
