#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Permanent gates of units that confine themselves, have instances and aliases, or cannot have their gate.

load common

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
