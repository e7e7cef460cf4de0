#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Permanent gates that bindgated keeps; and that a change of one is all or nothing.

load common

@test "all or nothing: what cannot be brought about leaves no file" {
	unit web.service <<-'END'
		[Service]
		ExecStart=/bin/sleep 1000
	END
	inside systemctl start web
	run inside bindgate attach --permanent unit:web 80/tcp,for=10m
	ended 1 "a rule with for= does not go with --permanent"
	run inside bindgate --pin-dir /srv/nothing attach --permanent unit:web 80/tcp
	ended 1 "bpf file system"
	[ ! -e "$MACHINE$DROPINS/web.service.d" ]
	inside mount --bind /bin/false /bin/systemctl
	run inside bindgate attach --permanent unit:web 80/tcp
	ended 1 "systemctl"
	inside umount /bin/systemctl
	[ ! -e "$MACHINE$DROPINS/web.service.d" ]
	# an older file of the same name that is not bindgate's is left alone
	mkdir "$MACHINE$DROPINS/web.service.d"
	echo '[Service]' >"$MACHINE$DROPINS/web.service.d/50-bindgate.conf"
	run inside bindgate attach --permanent unit:web 80/tcp
	ended 1 "is not bindgate's"
	rm "$MACHINE$DROPINS/web.service.d/50-bindgate.conf"
	# a later file that clears the condition
	printf '[Service]\nExecCondition=\n' >"$MACHINE$DROPINS/web.service.d/60-clear.conf"
	run inside bindgate attach --permanent unit:web 80/tcp
	ended 1 "does a later file"
	[ ! -e "$MACHINE$DROPINS/web.service.d/50-bindgate.conf" ]
	rm -r "$MACHINE$DROPINS/web.service.d"
	equal gates "$(inside bindgate list -j | json "d['gates']")" '[]'
	run inside bindgate attach --permanent /system.slice/some.scope 80
	ended 1 "is a scope"
	run inside bindgate remove --permanent unit:web 80/tcp
	ended 3 "has no permanent gate"
	# who may change the program that root would run?
	inside install -m 755 -o nobody /usr/local/sbin/bindgate /srv/theirs
	run inside /srv/theirs attach --permanent unit:web 80/tcp
	ended 1 "can be changed by others than root"
}

@test "killed at any instant, each drop-in is whole or absent, and the next command goes on" {
	local file=$MACHINE$DROPINS/web.service.d/50-bindgate.conf
	unit web.service <<-'END'
		[Service]
		ExecStart=/bin/sleep 1000
	END
	for round in $(seq 40); do
		inside timeout -s KILL "0.$(printf %03d $((RANDOM % 250)))" bindgate attach --permanent unit:web "$((round + 1000))/tcp" \
			>/dev/null 2>&1 || true
		[ ! -e "$file" ] || grep -q '"1[0-9]*/tcp"$' "$file"
	done
	run -0 inside bindgate attach --permanent unit:web 80/tcp
	equal rules "$(inside bindgate list --permanent -j | json "[p['rules'] for p in d['permanent']]")" '[["80/tcp"]]'
	! find "$MACHINE$DROPINS" -name '*.new' | grep .
}

@test "unit:web@* is every instance, and a pattern that can match none is told" {
	mkdir -p "$MACHINE/etc/bindgate"
	echo 'gates: [{cgroup: "/system.slice/web@*.service", rules: [80/tcp]}]' >"$MACHINE/etc/bindgate/bindgate.yaml"
	run -0 inside bindgated --check
	ended 0 "write unit:web@*"
	echo 'gates: [{cgroup: "unit:web@*", rules: [80/tcp, 81/tcp]}]' >"$MACHINE/etc/bindgate/bindgate.yaml"
	run -0 inside bindgated --check
	[[ $output != *"warning"* ]]
	unit web@.service <<-'END'
		[Service]
		ExecStart=/bin/sh -c 'until /usr/local/bin/page %i; do sleep 0.1; done'
		DynamicUser=yes
	END
	inside systemctl start web@80
	inside bindgate apply /etc/bindgate/bindgate.yaml
	equal applied "$(page 80)" hello
	inside bindgate detach --all
	inside systemctl start bindgated web@81
	equal kept "$(page 81)" hello
	equal gates "$(inside bindgate list -j | json "[g['cgroup'] for g in d['gates']]")" \
		'["/system.slice/system-web.slice/web@80.service", "/system.slice/system-web.slice/web@81.service"]'
}

@test "user:alice has her ports in each of her sessions and services, after a reboot too" {
	inside useradd -m -u 1000 alice
	run -0 inside bindgate attach --permanent user:alice 80/tcp
	ended 0 "bindgated, which is to keep it, does not run: systemctl enable --now bindgated"
	ended 0 "/etc/bindgate/bindgate.d/permanent.yaml"
	inside systemctl enable -q --now bindgated
	run -0 inside bindgate attach --permanent user:alice 80/tcp 443/tcp
	[[ $output != *"does not run"* ]]
	alice_serves
	reboot
	alice_serves
	# a file of a person's own is not touched, and what it declares is not declared twice
	printf '# mine\ngates: [{cgroup: /mine, rules: [90]}]\n' >"$MACHINE/etc/bindgate/bindgate.yaml"
	run inside bindgate attach --permanent /mine 91
	ended 1 "is declared in a file below /etc/bindgate"
	inside bindgate attach --permanent '/other/*' 92
	grep -q '^# mine' "$MACHINE/etc/bindgate/bindgate.yaml"
	inside bindgated --check
	inside mkdir -p /sys/fs/cgroup/other/one
	eventually eval 'inside bindgate list -j | grep -q /other/one'
	inside bindgate detach --permanent '/other/*'
	eventually eval '! inside bindgate list -j | grep -q /other/one'
	inside bindgate detach --permanent user:alice
	[ ! -e "$MACHINE/etc/bindgate/bindgate.d/permanent.yaml" ]
}

alice_serves() {
	inside loginctl enable-linger alice
	eventually eval '[ "$(state user@1000)" = active ]'
	inside systemd-run -q -M alice@ --user --unit=mine /usr/local/bin/page 80
	equal page "$(page)" hello
	inside bindgate list -j | json "[g['cgroup'] for g in d['gates']]" | grep -q '/user.slice/user-1000.slice'
	inside systemctl -q -M alice@ --user stop mine
}
