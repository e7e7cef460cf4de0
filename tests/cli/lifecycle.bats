#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Commands killed, crowded, and let loose on damage: a gate is whole or absent, and the next command repairs.

load common

@test "kill -9 at 300 random instants leaves each gate whole or absent" {
	run "$PYTHON" -B "$HERE/killer.py" "$BINDGATE" "$CG" "${BINDGATE_TEST_KILLS:-300}" \
		bash -c 'echo $$ >"$1/cgroup.procs" && exec nsenter --net=/proc/self/fd/"$2" "$3" -IS "$4"' \
		bash "$CG" "$NET" "$PYTHON" "$HERE/binder.py"
	ended 0 killed
	echo "# $output" >&3
	no_leftovers
}

@test "16 commands at once on one gate" {
	seq 16 | xargs -P 16 -I{} "$BINDGATE" attach "$CG" 80 '10{}'
	equal rules "$(bindgate list -j | json "len(d['gates'][0]['rules'])")" 2
	seq 2000 2015 | xargs -P 16 -I{} "$BINDGATE" add "$CG" {}
	equal rules "$(bindgate list -j | json "len(d['gates'][0]['rules'])")" 18
	equal granted "$(both_80)" "$GRANTED"
	no_leftovers
}

@test "16 commands at once on 16 gates, from nothing" {
	seq 16 | xargs -I{} mkdir "$CG/{}"
	seq 16 | xargs -P 16 -I{} "$BINDGATE" attach "$CG/{}" '10{}'
	equal gates "$(bindgate list -j | json "len(d['gates'])")" 16
	seq 16 | xargs -P 16 -I{} "$BINDGATE" detach "$CG/{}"
	equal gates "$(bindgate list -j | json "len(d['gates'])")" 0
	no_leftovers
}

@test "a cgroup removed under its gate takes the gate along" {
	mkdir "$CG/web"
	bindgate attach "$CG/web" 80
	bindgate attach "$CG" 443
	local id
	id=$(id_of "$CG/web")
	rmdir "$CG/web"
	equal listed "$(bindgate list -j | json "[g['cgroup'] for g in d['gates']]")" "[\"$NAME\"]"
	mkdir "$CG/web"
	equal ungated "$(AT=$CG/web binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 443')" $'EACCES\nok 127.0.0.1 443'
	bindgate add "$CG" 444
	[ ! -e "$BINDGATE_PIN_DIR/gates/$id" ]
}

@test "bpffs is mounted where it is missing" {
	run -0 unshare --mount bash -c '
		umount -l /sys/fs/bpf
		unset BINDGATE_PIN_DIR
		"$BINDGATE" attach "$CG" 80 && "$BINDGATE" list -j && "$BINDGATE" detach --all && mountpoint /sys/fs/bpf' 3>&-
	[[ $output == *"attached $NAME: 80, default pass"*'"hits"'*"detached $NAME"*"/sys/fs/bpf is a mountpoint"* ]]
}

@test "pure cgroup v2, as on most hosts" {
	run -0 unshare --mount bash -c '
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		"$BINDGATE" attach "/sys/fs/cgroup$NAME" 80 && "$BINDGATE" list -j && "$BINDGATE" attach "$NAME" 80 443' 3>&-
	ended 0 "\"path\": \"/sys/fs/cgroup$NAME\""
	ended 0 "replaced $NAME: 80 443, default pass"
	equal granted "$(both_80)" "$GRANTED"
}

# A command in a mount namespace whose only cgroup v2 is what the first words mount: without_v2 MOUNT COMMAND
without_v2() {
	export WORK CGROUP2
	run unshare --mount bash -c 'mkdir -p "$WORK/part" "$WORK/a b\\c"
		eval "$1"
		for mount in $(awk "/ - cgroup2 / { print \$5 }" /proc/self/mountinfo); do
			case $mount in "$WORK"*) ;; *) umount -l "$mount" ;; esac
		done
		eval "$2"' bash "$1" "$2" 3>&-
}

@test "cgroup v2 is not mounted" {
	# nor for whoever called it: their processes are of another pid namespace
	without_v2 : 'unshare --pid --fork --mount-proc "$BINDGATE" attach "$CG" 80'
	equal attach "$output" "bindgate: cgroup v2 is not mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
	ended 1 ""
	without_v2 : 'unshare --pid --fork --mount-proc "$BINDGATE" probe'
	ended 4 "there is nothing to gate"
	ended 4 "bindgate: cgroup v2 is not mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
}

@test "cgroup v2 is mounted where the path has blanks and backslashes" {
	without_v2 'mount -t cgroup2 cgroup2 "$WORK/a b\\c"' '"$BINDGATE" attach "$NAME" 80'
	equal attach "$output" "attached $NAME: 80, default pass"
	without_v2 'mount -t cgroup2 cgroup2 "$WORK/a b\\c"' '"$BINDGATE" list -j'
	equal path "$(json "d['gates'][0]['path']" <<<"$output")" "\"$WORK/a b\\\\c$NAME\""
}

@test "another file system lies over cgroup v2" {
	without_v2 'mount -t cgroup2 cgroup2 "$WORK/part"; mount -t tmpfs tmpfs "$CGROUP2"' '"$BINDGATE" attach "$NAME" 80'
	equal attach "$output" "attached $NAME: 80, default pass"
}

@test "only a part of cgroup v2 is mounted, as in a container: what is outside goes by its id" {
	mkdir "$CG/in" "$CG/in/side" "$CG/out"
	bindgate attach "$CG/out" 81
	in_cgroup "$CG/out" sleep 600 3>&- &
	wait_for "$CG/out" sleep
	local part='mount --bind "$CG/in" "$WORK/part"'
	without_v2 "$part" '"$BINDGATE" attach side 80'
	equal attach "$output" "attached /side: 80, default pass"
	granted=$(AT=$CG/in/side binds 'tcp 127.0.0.1 80')
	equal granted "$granted" 'ok 127.0.0.1 80'
	without_v2 "$part" "\"\$BINDGATE\" attach pid:$pid 82"
	equal process "$output" "bindgate: process $pid is in the cgroup $NAME/out, outside of what is mounted at $WORK/part"
	without_v2 "$part" '"$BINDGATE" list -j'
	equal list "$(json "sorted(g['cgroup'] for g in d['gates'])" <<<"$output")" "[\"/side\", \"id:$(id_of "$CG/out")\"]"
	without_v2 "$part" '"$BINDGATE" detach --all'
	ended 0 "detached id:$(id_of "$CG/out")"
	equal none "$(bindgate list -j | json "d['gates']")" "[]"
}

@test "a cgroup namespace: its own root is /, what is outside goes by its id" {
	mkdir "$CG/in" "$CG/out"
	bindgate attach "$CG/out" 81
	in_cgroup "$CG/out" sleep 600 3>&- &
	wait_for "$CG/out" sleep
	inside() {
		in_cgroup "$CG/in" unshare --cgroup --mount bash -c 'mkdir -p "$WORK/v2"; mount -t cgroup2 cgroup2 "$WORK/v2"
			umount -l "$CGROUP2" && "$BINDGATE" "$@"' bash "$@" 3>&-
	}
	export WORK CGROUP2
	run -0 inside attach self 80
	equal attach "$output" "attached /: 80, default pass"
	equal granted "$(AT=$CG/in binds 'tcp 127.0.0.1 80')" 'ok 127.0.0.1 80'
	run -1 inside attach "pid:$pid" 80
	ended 1 "process $pid is in a cgroup outside of this cgroup namespace"
	run -0 inside list -j
	equal list "$(json "sorted(g['cgroup'] for g in d['gates'])" <<<"$output")" "[\"/\", \"id:$(id_of "$CG/out")\"]"
	run -0 inside detach "id:$(id_of "$CG/out")"
	equal rest "$(bindgate list -j | json "[g['path'] for g in d['gates']]")" "[\"$CG/in\"]"
}

@test "a link taken away by hand: told, repaired by attach, detached by detach" {
	bindgate attach "$CG" 80
	rm "$BINDGATE_PIN_DIR/gates/$(id_of "$CG")/bind6"
	run -0 --separate-stderr bindgate list
	equal told "$stderr" "bindgate: warning: $NAME: a link is missing: binds of one family or both are not gated; attach it anew, or detach it (bindgate detach id:$(id_of "$CG"))"
	equal half "$(both_80)" $'ok 0.0.0.0 80\nEACCES'
	run -0 bindgate attach "$CG" 80
	equal repaired "$(both_80)" "$GRANTED"
	rm "$BINDGATE_PIN_DIR/gates/$(id_of "$CG")/bind4"
	run -0 bindgate detach "$CG"
	equal detached "$(both_80)" "$REFUSED"
	equal programs "$(attached "$CG")" 0
}

@test "something foreign among the pins: the gate ends all the same" {
	local id
	id=$(id_of "$CG")
	bindgate attach "$CG" deny:7000
	mkdir "$BINDGATE_PIN_DIR/gates/$id/mine" "$BINDGATE_PIN_DIR/gates/foreign"
	run -0 bindgate list
	for round in 1 2; do
		run bindgate detach "$CG"
		[ "$round" = 2 ] || ended 1 "bindgate did not make what is in there: take it out by hand"
		equal detached "$(binds 'tcp 127.0.0.1 7000')" 'ok 127.0.0.1 7000'
		run -0 bindgate attach "$CG" deny:7000
		run -0 bindgate list
		equal denied "$(binds 'tcp 127.0.0.1 7000')" EACCES
	done
}

@test "what a killed command left beside a gate does not open the gate" {
	local id
	id=$(id_of "$CG")
	bindgate attach "$CG" deny:7000
	for state in new old; do
		mkdir "$BINDGATE_PIN_DIR/gates/$state-$id"
		run -0 --separate-stderr bindgate list
		equal told "$stderr" ""
		equal "$state" "$(binds 'tcp 127.0.0.1 7000')" EACCES
		no_leftovers
	done
}

@test "pins that are crossed: attach repairs the gate" {
	local id
	id=$(id_of "$CG")
	bindgate attach "$CG" deny:7000
	rm "$BINDGATE_PIN_DIR/gates/$id/bind4"
	mv "$BINDGATE_PIN_DIR/gates/$id/bind6" "$BINDGATE_PIN_DIR/gates/$id/bind4"
	run -0 --separate-stderr bindgate list
	[[ $stderr == *"a link is missing"* ]]
	run -0 bindgate attach "$CG" deny:7000
	equal denied "$(binds 'tcp 127.0.0.1 7000' 'tcp ::1 7000')" "$REFUSED"
	equal programs "$(attached "$CG")" 2
}

@test "the whole core taken away by hand: gates hold, and detach works" {
	bindgate attach "$CG" 80
	rm -r "$BINDGATE_PIN_DIR/core"
	equal holds "$(both_80)" "$GRANTED"
	run -1 bindgate attach "$CG" 443
	ended 1 "its gates still hold. To begin anew: bindgate detach --all, then attach again"
	run -0 bindgate detach --all
	equal detached "$(both_80)" "$REFUSED"
}

@test "the shared maps taken away by hand: gates hold, and detach works" {
	bindgate attach "$CG" 80
	rm "$BINDGATE_PIN_DIR/core/portmaps"
	equal holds "$(both_80)" "$GRANTED"
	run -1 bindgate attach "$CG" 443
	ended 1 "its gates still hold. To begin anew: bindgate detach --all, then attach again"
	equal holds "$(both_80)" "$GRANTED"
	run -0 bindgate list
	run -0 bindgate detach --all
	equal detached "$(both_80)" "$REFUSED"
	run -0 bindgate attach "$CG" 443
	equal anew "$(binds 'tcp 127.0.0.1 443')" 'ok 127.0.0.1 443'
}

@test "a port map changed by hand: told, replaced by attach" {
	bindgate attach "$CG" 80 443
	"$PYTHON" -IS "$HERE/bpf.py" poke "$BINDGATE_PIN_DIR/core/portmaps" "$CG" 40 ffffffffffffffff
	run -0 --separate-stderr bindgate list
	equal told "$stderr" "bindgate: warning: $NAME: its port map cannot be read, or was changed by hand; attach it anew, or detach it (bindgate detach id:$(id_of "$CG"))"
	equal json "$(bindgate list -j | json "[g['damage'] for g in d['gates']]")" '["its port map cannot be read, or was changed by hand"]'
	equal dump "$(bindgate maps dump)" "$NAME  (id $(id_of "$CG"))
its port map cannot be read, or was changed by hand"
	equal map "$(bindgate maps dump -j | json "[g['map'] for g in d['gates']]")" '[[]]'
	equal export "$(bindgate export)" "gates: []"
	[[ $(bindgate explain "$CG" 8080) == *"gate $NAME"*"damaged: its port map cannot be read, or was changed by hand"* ]]
	run -1 bindgate add "$CG" 22
	ended 1 "its port map cannot be read, or was changed by hand; attach its policy anew"
	run -0 bindgate attach "$CG" 80
	equal granted "$(both_80)" "$GRANTED"
	run -0 --separate-stderr bindgate list
	equal whole "$stderr" ""
}

@test "a port map emptied by hand: told, replaced by attach" {
	bindgate attach "$CG" deny:7000
	"$PYTHON" -IS "$HERE/bpf.py" poke "$BINDGATE_PIN_DIR/core/portmaps" "$CG" 0 00000000
	equal open "$(binds 'tcp 127.0.0.1 7000')" 'ok 127.0.0.1 7000'
	run -0 --separate-stderr bindgate list
	[[ $stderr == *"$NAME: its port map is empty: everything passes; attach it anew"* ]]
	run -0 bindgate attach "$CG" deny:7000
	equal denied "$(binds 'tcp 127.0.0.1 7000')" EACCES
}

@test "one shared map put in the place of another: gates hold, and nothing is written into it" {
	bindgate attach "$CG" 80
	rm "$BINDGATE_PIN_DIR/core/portmaps"
	mv "$BINDGATE_PIN_DIR/core/counts" "$BINDGATE_PIN_DIR/core/portmaps"
	run -1 bindgate attach "$CG" 443
	ended 1 "its gates still hold. To begin anew: bindgate detach --all, then attach again"
	equal holds "$(both_80)" "$GRANTED"
	run -0 bindgate detach --all
	equal detached "$(both_80)" "$REFUSED"
}

@test "a pin that is no link: the other family is detached all the same" {
	local hook gate
	gate=$BINDGATE_PIN_DIR/gates/$(id_of "$CG")
	for hook in bind4 bind6; do
		bindgate attach "$CG" 80
		rm "$gate/$hook"
		mkdir "$gate/$hook"
		run -1 bindgate detach "$CG"
		ended 1 "bindgate: detached, but cannot remove"
		equal "programs, without $hook" "$(attached "$CG")" 0
		equal refused "$(both_80)" "$REFUSED"
		rmdir "$BINDGATE_PIN_DIR/gates/old-$(id_of "$CG")/$hook"
	done
}

@test "something foreign in the core, or beside it: told, and the rest works" {
	bindgate attach "$CG" 80
	mkdir "$BINDGATE_PIN_DIR/core/mine"
	run -1 bindgate detach --all
	equal core "${lines[0]}" "bindgate: no gate is left, but $BINDGATE_PIN_DIR/core holds something that bindgate did not make: take it out by hand"
	equal detached "$(both_80)" "$REFUSED"
	run -1 bindgate attach "$CG" 80
	equal again "$output" "bindgate: $BINDGATE_PIN_DIR/core holds something that bindgate did not make: take it out by hand"
	rmdir "$BINDGATE_PIN_DIR/core/mine"
	mkdir "$BINDGATE_PIN_DIR/mine"
	run -0 bindgate attach "$CG" 80
	equal granted "$(both_80)" "$GRANTED"
	run -1 bindgate detach --all
	ended 1 "bindgate: no gate is left, but cannot remove $BINDGATE_PIN_DIR: it holds something that bindgate did not make"
}

@test "detach --all while somebody watches: the gates end, the pins stay until the watcher has gone" {
	bindgate attach "$CG" 80
	"$BINDGATE" watch >/dev/null 3>&- &
	local watcher=$!
	until bpftool -j map dump pinned "$BINDGATE_PIN_DIR/core/watching" | grep -q '0x01'; do sleep 0.02; done
	run -1 bindgate detach --all
	ended 1 "bindgate: no gate is left, but $BINDGATE_PIN_DIR is still in use, by bindgated, bindgate watch or run: end that first"
	equal detached "$(both_80)" "$REFUSED"
	kill "$watcher"
	wait "$watcher"
	run -0 bindgate detach --all
	equal nothing "$output" "There were no gates."
	[ ! -e "$BINDGATE_PIN_DIR" ]
}

# A bindgate built from this tree with something changed: other_bindgate FILE SED-SCRIPT
other_bindgate() {
	local copy=$WORK/other
	mkdir "$copy"
	cp -r "$TREE"/{Makefile,include,bpf,vmlinux,loader,deploy} "$copy"
	sed -i "$2" "$copy/$1"
	# not as this run may have been asked for
	env -u MAKEFLAGS make -s -j2 -C "$copy" VERSION=other all >/dev/null
	echo "$copy/build/bindgate"
}

@test "an upgraded bindgate replaces the running programs without a gap" {
	local other loop
	other=$(other_bindgate bpf/hooks.bpf.c 's/\/\* since 5.12.*$//; s/user_port = bpf_htons(answer.port)/user_port = bpf_htons(answer.port + 0 * ctx->user_port)/; s/Dual BSD/Dual  BSD/')
	sed -i 's/Dual  BSD/Dual BSD/' "$WORK/other/bpf/hooks.bpf.c"
	bindgate attach "$CG" 80 3000=81
	local before
	before=$(bpftool -j cgroup show "$CG" | json "[p['id'] for p in d]")
	mkfifo "$WORK/stop"
	binds --loop 'tcp 127.0.0.1 80' 'tcp ::1 3000' <>"$WORK/stop" >"$WORK/loop" 3>&- &
	loop=$!
	until grep -q begun "$WORK/loop"; do sleep 0.01; done
	for _ in $(seq 10); do
		"$other" attach "$CG" 80 3000=81
		"$other" add "$CG" 443
		bindgate remove "$CG" 443
	done
	"$other" add "$CG" 443
	echo >"$WORK/stop"
	wait "$loop"
	equal loop "$(tail -n 1 "$WORK/loop" | json "{k: sorted(v) for k, v in d.items()}")" \
		'{"tcp 127.0.0.1 80": ["ok 127.0.0.1 80"], "tcp ::1 3000": ["ok ::1 81"]}'
	[ "$before" != "$(bpftool -j cgroup show "$CG" | json "[p['id'] for p in d]")" ]
	equal counted "$("$other" list -j | json "d['gates'][0]['rules'][0]['hits']")" \
		"$(tail -n 1 "$WORK/loop" | json "d['tcp 127.0.0.1 80']['ok 127.0.0.1 80']")"
	[[ $("$other" version) == *"loaded by bindgate other"* ]]
}

@test "a bindgate of another layout says so, and breaks nothing" {
	local other
	other=$(other_bindgate include/bindgate/portmap.h 's/#define BG_ABI 2/#define BG_ABI 3/')
	bindgate attach "$CG" 80
	run -1 "$other" attach "$CG" 443
	ended 1 "was made by another bindgate (ABI 2, "
	ended 1 "this one has ABI 3"
	ended 1 "its gates still hold. To begin anew: bindgate detach --all, then attach again"
	equal holds "$(both_80)" "$GRANTED"
	equal rules "$(rules_of)" 80
	run -0 "$other" list
	[[ $output == *"it was made by another bindgate (ABI 2; this one has ABI 3)"* && $output != *default* ]]
	equal unknown "$("$other" list -j | json "[d['gates'][0][k] for k in ('default', 'rules', 'verdicts')]")" '[null, null, null]'
	run -0 "$other" detach --all
	run -0 "$other" attach "$CG" 443
	equal anew "$(binds 'tcp 127.0.0.1 443')" 'ok 127.0.0.1 443'
	"$other" detach --all
}
