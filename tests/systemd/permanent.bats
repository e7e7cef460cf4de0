#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Permanent gates under a real systemd: through restarts, reboots and what units do to themselves.

load common

setup_file() {
	make_root
}

teardown_file() {
	clear_root
}

setup() {
	new_machine
	boot
}

teardown() {
	journal_if_failed
	clear_room
}

DROPINS=/etc/systemd/system

# The last start was refused its port by the kernel.
refused() { # UNIT
	eventually eval "inside journalctl -o cat -u $1 | grep -q 'Permission denied'"
}

@test "from the error message to a page that is there after restart, kill and reboot" {
	nginx_as_www_data
	run inside systemctl start nginx
	[ "$status" -ne 0 ]
	inside journalctl -o cat -u nginx | grep -q 'bind() to 0.0.0.0:80 failed (13: Permission denied)'
	# a drop-in with ExecStartPre= comes after the unit's own, which is refused first
	mkdir -p "$MACHINE$DROPINS/nginx.service.d"
	printf '[Service]\nExecStartPre=+/usr/local/sbin/bindgate attach self 80/tcp\n' >"$MACHINE$DROPINS/nginx.service.d/late.conf"
	inside systemctl daemon-reload
	run inside systemctl start nginx
	[ "$status" -ne 0 ]
	rm "$MACHINE$DROPINS/nginx.service.d/late.conf"

	run -0 inside bindgate attach --permanent unit:nginx 80/tcp
	ended 0 "permanent unit:nginx.service: 80/tcp, default pass"
	ended 0 "/etc/systemd/system/nginx.service.d/50-bindgate.conf"
	inside systemctl start nginx
	[[ $(page) == *"Welcome to nginx"* ]]
	run -0 inside bindgate list
	ended 0 "permanent: systemd makes it again"
	inside systemctl restart nginx
	[[ $(page) == *"Welcome to nginx"* ]]
	inside systemctl reload nginx
	[[ $(page) == *"Welcome to nginx"* ]]
	# systemd starts it anew after a kill -9
	printf '[Service]\nRestart=always\nRestartSec=0\n' >"$MACHINE$DROPINS/nginx.service.d/restart.conf"
	inside systemctl daemon-reload
	inside systemctl kill -s KILL nginx
	eventually eval '[ "$(inside systemctl show -P NRestarts nginx)" -ge 1 ] && [ "$(state nginx)" = active ]'
	[[ $(page) == *"Welcome to nginx"* ]]
	inside systemctl enable -q nginx
	reboot
	equal state "$(state nginx)" active
	[[ $(page) == *"Welcome to nginx"* ]]
	equal list "$(inside bindgate list -j | json "[[g['cgroup'], g['permanent'], g['goes_with']] for g in d['gates']]")" \
		'[["/system.slice/nginx.service", true, null]]'

	run -0 inside bindgate detach --permanent unit:nginx
	ended 0 "unit:nginx.service is not permanent any more"
	[ ! -e "$MACHINE$DROPINS/nginx.service.d/50-bindgate.conf" ]
	inside systemctl stop nginx
	run inside systemctl start nginx
	[ "$status" -ne 0 ]
}

@test "a running unit has its gate at once, and add and remove change both" {
	unit web.service <<-'END'
		[Service]
		ExecStart=/bin/sh -c 'until /usr/local/bin/page; do sleep 0.1; done'
		DynamicUser=yes
	END
	inside systemctl start web
	refused web
	run -0 inside bindgate attach --permanent --default deny --label '50% of $HOME, "x" \y' unit:web 80/tcp
	ended 0 "attached /system.slice/web.service: 80/tcp, default deny"
	equal page "$(page)" hello
	# what was added by hand stays in the gate, and goes with it
	inside bindgate add unit:web 81/tcp
	inside bindgate add --permanent /system.slice/web.service 82/tcp 3000=83/tcp
	equal live "$(inside bindgate list -j | json "[r['rule'] for g in d['gates'] for r in g['rules']]")" \
		'["80/tcp", "81/tcp", "82/tcp", "3000=83/tcp"]'
	inside bindgate remove --permanent unit:web 82/tcp
	inside systemctl restart web
	equal page "$(page)" hello
	equal gate "$(inside bindgate list -j | json "[[g['label'], g['default'], [r['rule'] for r in g['rules']]] for g in d['gates']]")" \
		'[["50% of $HOME, \"x\" \\y", "deny", ["80/tcp", "3000=83/tcp"]]]'
	equal permanent "$(inside bindgate list --permanent -j |
		json "[[p['cgroup'], p['kept_by'], p['label'], p['rules'], p['active']] for p in d['permanent']]")" \
		'[["unit:web.service", "systemd", "50% of $HOME, \"x\" \\y", ["80/tcp", "3000=83/tcp"], true]]'
	# what is done by hand to a permanent gate is told not to last
	run -0 inside bindgate attach unit:web 80/tcp
	ended 0 "this will not last"
	run -0 inside bindgate detach unit:web
	ended 0 "bindgate detach --permanent unit:web.service"
	inside systemctl restart web
	equal page "$(page)" hello
}

@test "without --permanent the answer says when the gate goes, and how to keep it" {
	unit web.service <<-'END'
		[Service]
		ExecStart=/bin/sleep 1000
	END
	inside systemctl start web
	run -0 inside bindgate attach --default deny unit:web 80/tcp
	ended 0 "It goes when the unit stops. To keep it: bindgate attach --permanent --default deny unit:web.service 80/tcp"
	equal json "$(inside bindgate attach -j unit:web 443/tcp | json "d['keep']")" \
		'"bindgate attach --permanent unit:web.service 443/tcp"'
	run -0 inside bindgate list
	ended 0 "goes when web.service stops"
	inside mkdir /sys/fs/cgroup/app
	run -0 inside bindgate attach /app 80/tcp
	[[ $output != *"goes when"* ]]
}

@test "units that confine themselves: users of their own, a root directory, delegation" {
	unit dyn.service <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page 80
		DynamicUser=yes
		PrivateUsers=yes
		NoNewPrivileges=yes
		CapabilityBoundingSet=
		SystemCallFilter=@system-service
		ProtectSystem=strict
		PrivateTmp=yes
		InaccessiblePaths=/usr/local/sbin
		Delegate=yes
	END
	inside bindgate attach --permanent unit:dyn 80/tcp
	inside systemctl start dyn
	equal page "$(page)" hello
	inside systemctl stop dyn
	# sh and bindgate are not in there; where the unit has nothing but ExecStart=, systemd need not look for them there
	mkdir -p "$MACHINE/srv/jail/usr" "$MACHINE/srv/jail/etc" "$MACHINE/srv/jail/proc" "$MACHINE/srv/jail/dev"
	ln -s usr/bin "$MACHINE/srv/jail/bin"
	ln -s usr/lib "$MACHINE/srv/jail/lib"
	ln -s usr/lib64 "$MACHINE/srv/jail/lib64"
	unit jail.service <<-'END'
		[Service]
		RootDirectory=/srv/jail
		BindReadOnlyPaths=/usr /etc
		ExecStart=/usr/local/bin/page 80
		InaccessiblePaths=/usr/local/sbin
		User=www-data
	END
	inside bindgate attach --permanent unit:jail 80/tcp
	inside systemctl start jail
	equal page "$(page)" hello
	inside systemctl stop jail
	# with a command of its own in there: bindgated keeps the gate, and that is told
	sed -i 's|^ExecStart=|ExecStartPre=/usr/bin/true\n&|' "$MACHINE$DROPINS/jail.service"
	inside systemctl daemon-reload
	run -0 inside bindgate attach --permanent unit:jail 80/tcp
	ended 0 "has a root directory of its own"
	ended 0 "systemctl enable --now bindgated"
	[ ! -e "$MACHINE$DROPINS/jail.service.d" ]
	inside systemctl start bindgated
	sed -i 's|^ExecStart=.*|ExecStart=/bin/sh -c "until /usr/local/bin/page 80; do sleep 0.1; done"|' "$MACHINE$DROPINS/jail.service"
	inside systemctl daemon-reload
	inside systemctl start jail
	equal page "$(page)" hello
}

@test "templates, instances, aliases and units that are not there yet" {
	unit web@.service <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page %i
		DynamicUser=yes
	END
	inside bindgate attach --permanent 'unit:web@*' 80/tcp 81/tcp
	[ -e "$MACHINE$DROPINS/web@.service.d/50-bindgate.conf" ]
	inside systemctl start web@80 web@81
	equal one "$(page 80)" hello
	equal two "$(page 81)" hello
	run -0 inside bindgate attach --permanent unit:web@ 80/tcp 81/tcp 82/tcp
	ended 0 "replaced /system.slice/system-web.slice/web@80.service: 80/tcp 81/tcp 82/tcp"
	ended 0 "replaced /system.slice/system-web.slice/web@81.service: 80/tcp 81/tcp 82/tcp"
	# an instance's own is what counts for it
	inside bindgate attach --permanent unit:web@80 80/tcp
	inside systemctl restart web@80 web@81
	equal rules "$(inside bindgate list -j | json "{g['cgroup'][-14:]: len(g['rules']) for g in d['gates']}")" \
		'{"web@80.service": 1, "web@81.service": 3}'

	unit real.service <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page 90
		DynamicUser=yes
		[Install]
		Alias=other.service
	END
	inside systemctl enable -q real
	run -0 inside bindgate attach --permanent unit:other 90/tcp
	ended 0 "permanent unit:real.service"
	inside systemctl start real
	equal alias "$(page 90)" hello

	run -0 inside bindgate attach --permanent unit:tomorrow 70/tcp
	ended 0 "systemd knows no unit tomorrow.service yet"
	unit tomorrow.service <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page 70
		DynamicUser=yes
	END
	inside systemctl start tomorrow
	equal tomorrow "$(page 70)" hello
	run -0 inside bindgate detach --all --permanent
	equal none "$(inside bindgate list --permanent -j | json "d['permanent']")" '[]'
	! find "$MACHINE$DROPINS" -name '*bindgate.conf*' | grep .
}

@test "a gate that cannot be made fails the unit, and a removed package does not" {
	unit web.service <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page 8080
		DynamicUser=yes
	END
	inside bindgate --pin-dir /srv/nothing attach --permanent unit:web 80/tcp
	run inside systemctl start web
	[ "$status" -ne 0 ]
	equal state "$(state web)" failed
	inside bindgate attach --permanent unit:web 80/tcp
	inside systemctl start web
	equal gate "$(page 8080)" hello
	mv "$MACHINE/usr/local/sbin/bindgate" "$MACHINE/usr/local/sbin/gone"
	inside systemctl restart web
	equal page "$(page 8080)" hello
	eventually eval 'inside journalctl -o cat -u web | grep -q "bindgate is gone: this unit starts without its gate"'
	mv "$MACHINE/usr/local/sbin/gone" "$MACHINE/usr/local/sbin/bindgate"
}

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

@test "a process of a unit means its own unit, whatever else bears the name" {
	unit web.service <<-'END'
		[Service]
		ExecStart=/bin/sleep 1000
		Delegate=yes
	END
	inside systemctl start web
	inside mkdir -p /sys/fs/cgroup/system.slice/web.service/sub /sys/fs/cgroup/there/web.service
	inside setfattr -x trusted.delegate /sys/fs/cgroup/system.slice/web.service 2>/dev/null || true
	run inside bindgate attach unit:web 80
	ended 1 "2 cgroups are called web.service"
	# shellcheck disable=SC2016 # for the shell inside
	run -0 inside sh -c 'echo $$ >/sys/fs/cgroup/system.slice/web.service/sub/cgroup.procs && bindgate attach unit:web 80'
	ended 0 "attached /system.slice/web.service: 80"
}
