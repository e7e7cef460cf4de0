#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Permanent gates under a real systemd: through restarts, reboots and changes by hand.

load common

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

@test "explain of a unit that does not run tells what its next bind would get, and a command that lasts" {
	unit web.service <<-'END'
		[Service]
		ExecStart=/usr/local/bin/page 80
		User=www-data
		Slice=my-shop.slice
	END
	inside systemctl start web
	refused web
	eventually eval '[ "$(state web)" = failed ]'
	run inside bindgate explain unit:web 80/tcp
	ended 1 "the next one of web.service would have uid 33, gid 33, in cgroup /my.slice/my-shop.slice/web.service"
	ended 1 "It would be refused: EACCES"
	equal remedy "${lines[-1]}" "bindgate attach --permanent unit:web.service 80/tcp"
	run -0 inside sh -c "${lines[-1]}"
	run -0 inside bindgate explain unit:web 80/tcp
	ended 0 "gate /my.slice/my-shop.slice/web.service"
	inside systemctl start web
	equal page "$(page)" hello
	# of one that runs too, also where its process is in a cgroup further down
	inside bindgate attach --permanent --default deny unit:web 80/tcp
	inside sh -c 'mkdir /sys/fs/cgroup/my.slice/my-shop.slice/web.service/sub'
	run inside bindgate explain /my.slice/my-shop.slice/web.service/sub 81/tcp
	equal running "${lines[-1]}" "bindgate add --permanent unit:web.service 81/tcp"
	run -0 inside sh -c "${lines[-1]}"
	inside systemctl stop web
	run inside bindgate explain unit:web 82/tcp
	equal stopped "${lines[-1]}" "bindgate add --permanent unit:web.service 82/tcp"
	run -0 inside bindgate explain unit:web 81/tcp
	# what a gate has by hand becomes permanent with what is added
	inside bindgate detach --permanent unit:web
	sed -i 's/^ExecStart=.*/ExecStart=sleep 1000/' "$MACHINE$DROPINS/web.service"
	inside systemctl daemon-reload
	inside systemctl start web
	inside bindgate attach unit:web deny:83 80/tcp 25,for=10m
	run inside bindgate explain unit:web 83/tcp
	equal denied "${lines[-1]}" "bindgate attach /my.slice/my-shop.slice/web.service 83/tcp deny:83 80/tcp 25,for=10m"
	run inside bindgate explain unit:web 84/tcp
	equal added "${lines[-1]}" "bindgate add --permanent unit:web.service 84/tcp"
	inside sh -c "${lines[-1]}"
	equal permanent "$(inside bindgate list --permanent -j | json "d['permanent'][0]['rules']")" '["deny:83", "80/tcp", "84/tcp"]'
	# one that has the capability needs nothing
	printf '[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n' | unit able.service
	sed -i '1aExecStart=/usr/local/bin/page 80\nUser=www-data' "$MACHINE$DROPINS/able.service"
	inside systemctl daemon-reload
	run -0 inside bindgate explain unit:able 80/tcp
}
