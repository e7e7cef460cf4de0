#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# doc/recipes.md, done as it is written there.

load common

# Does what a section says: a block that begins with a file's name is written there, lines after a # are typed.
recipe() { # SECTION
	awk -v "section=## $1" '/^## / { on = $0 == section } on && /^    |^$/' "$TREE/doc/recipes.md" >"$WORK/recipe"
	local line file='' done=0
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		'    # /'*)
			file=$MACHINE${line#    \# }
			mkdir -p "${file%/*}"
			: >"$file"
			;;
		'    # '*)
			inside sh -c "${line#    \# }"
			done=$((done + 1))
			;;
		'    '*) echo "${line#    }" >>"$file" ;;
		*) [ -z "$file" ] || inside systemctl daemon-reload ;;
		esac
	done <"$WORK/recipe"
	[ "$done" -ge 2 ]
}

# Not one of the unit's processes is root's or holds the capability.
unprivileged() { # UNIT
	local group pid
	group=$(inside systemctl show -P ControlGroup "$1")
	[ -n "$group" ]
	while read -r pid; do
		equal "uid of $pid" "$(awk '/^Uid:/ { print ($2 != 0 && $3 != 0) }' "/proc/$pid/status")" 1
		equal "capabilities of $pid" "$(awk '/^CapEff:/ { print $2 }' "/proc/$pid/status")" 0000000000000000
	done <"$CG/machine$group/cgroup.procs"
}

# Does the server answer so?
says() { # WORDS COMMAND...
	local words=$1
	shift
	[[ $(inside "$@" 2>/dev/null) == *"$words"* ]]
}

# Asks with the command for words, after a start, a restart and a reload.
serves() { # UNIT WORDS COMMAND...
	local unit=$1
	shift
	eventually says "$@"
	unprivileged "$unit"
	inside systemctl restart "$unit"
	eventually says "$@"
	if [ "$(inside systemctl show -P CanReload "$unit")" = yes ]; then
		inside systemctl reload "$unit"
		eventually says "$@"
	fi
	equal state "$(state "$unit")" active
	inside bindgate list -j | json "[g['permanent'] for g in d['gates']]" | grep -q true
}

WEB=(curl -s --max-time 2 http://127.0.0.1/)

@test "nginx" {
	recipe nginx
	serves nginx 'Welcome to nginx' "${WEB[@]}"
}

@test "apache" {
	echo hello >"$MACHINE/var/www/html/index.html"
	recipe apache
	serves apache2 hello "${WEB[@]}"
}

@test "haproxy" {
	recipe haproxy
	serves haproxy hello "${WEB[@]}"
}

@test "caddy" {
	recipe caddy
	serves caddy 'Caddy works!' "${WEB[@]}"
}

@test "unbound" {
	recipe unbound
	serves unbound 192.0.2.1 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.sendto(bytes.fromhex("abcd01000001000000000000") + b"\x08bindgate\x04test\x00\x00\x01\x00\x01", ("127.0.0.1", 53))
print(*s.recv(512)[-4:], sep=".")'
}

@test "a server that knows only its own port" {
	recipe 'A server that knows only its own port'
	serves shop 'Directory listing' "${WEB[@]}"
}

@test "a user's own units" {
	inside useradd -m -u 1000 alice
	recipe "A user's own units"
	inside loginctl enable-linger alice
	eventually eval '[ "$(state user@1000)" = active ]'
	inside systemd-run -q -M alice@ --user --unit=mine /usr/local/bin/page 80
	equal page "$(page)" hello
}
