#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Shows bindgate at work: a web server that may not have port 80, and then may. Usage: deploy/demo.sh BINDGATE
set -u
bindgate_path=$(realpath "$1")

if [ "$(id -u)" -ne 0 ]; then
	echo 'demo: must be run as root (sudo make demo): it makes a cgroup and loads BPF programs' >&2
	exit 1
fi
# Port 80 of this machine may be in use: the demo has a network of its own, with nothing but loopback in it.
if [ "${BINDGATE_DEMO:-}" != inside ]; then
	exec env BINDGATE_DEMO=inside unshare --net "$0" "$@"
fi

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m' dim=$'\033[2m' green=$'\033[32m' red=$'\033[31m' plain=$'\033[0m'
else
	bold='' dim='' green='' red='' plain=''
fi
root=$("$bindgate_path" probe --json | sed -n 's/.*"cgroup2_path": "\(.*\)".*/\1/p')
if [ -z "$root" ]; then
	"$bindgate_path" probe
	exit 1
fi
name=bindgate-demo-$$
cgroup=$root/$name
work=$(mktemp -d)
server=
export BINDGATE_PIN_DIR=/sys/fs/bpf/$name

stop_server() {
	[ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
	server=
}

clean_up() {
	trap - EXIT
	stop_server
	"$bindgate_path" detach --all >/dev/null 2>&1
	[ ! -e "$cgroup/cgroup.kill" ] || echo 1 >"$cgroup/cgroup.kill"
	for _ in $(seq 50); do # killed processes take a moment to leave
		[ -d "$cgroup" ] || break
		rmdir "$cgroup" 2>/dev/null || sleep 0.02
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

fail() {
	printf '%sdemo: %s%s\n' "$red" "$1" "$plain" >&2
	exit 1
}

show() { # the command as a person would type it, then its output
	printf '%s  # %s%s\n' "$dim" "$*" "$plain"
	"$@" 2>&1 | sed 's/^/  /'
	return "${PIPESTATUS[0]}"
}

bindgate() {
	"$bindgate_path" "$@"
}

serve() { # PORT: a web server in the cgroup, as nobody, with no capability and no way to get one
	printf '%s  $ python3 -m http.server %s     (uid 65534, no capabilities, no_new_privs, in %s)%s\n' \
		"$dim" "$1" "$name" "$plain"
	sh -c 'echo $$ >"$1/cgroup.procs" && cd "$2" && shift 2 && exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all --no-new-privs /usr/bin/env python3 -m http.server "$@"' \
		sh "$cgroup" "$work/www" "$1" >"$work/log" 2>&1 &
	server=$!
	for _ in $(seq 50); do
		kill -0 "$server" 2>/dev/null || break
		curl -so /dev/null --max-time 1 http://127.0.0.1:80/ && return 0
		sleep 0.1
	done
	stop_server
	return 1
}

refused() {
	serve 80 && fail 'the server was not refused'
	grep -q 'Permission denied' "$work/log" || fail "the server failed otherwise: $(tail -n 1 "$work/log")"
	printf '  %s%s%s\n' "$red" "$(grep -m 1 'Permission denied' "$work/log")" "$plain"
}

fetched() {
	local page
	printf '%s  $ curl http://127.0.0.1:80/%s\n' "$dim" "$plain"
	page=$(curl -s --max-time 5 http://127.0.0.1:80/)
	[ "$page" = 'Hello from port 80.' ] || fail "curl got: $page"
	printf '  %s%s%s\n' "$green" "$page" "$plain"
	stop_server
}

ip link set lo up || exit 1
mkdir "$cgroup" || exit 1
mkdir "$work/www" && echo 'Hello from port 80.' >"$work/www/index.html"
chmod 755 "$work" "$work/www"

say '1. Without bindgate, an unprivileged web server may not have port 80.'
refused
say '2. Grant port 80 over TCP to the cgroup, and nothing else.'
show bindgate attach "/$name" 80/tcp || fail 'attach failed'
say '3. The same command now serves a page from port 80.'
serve 80 || fail "the server did not start: $(tail -n 1 "$work/log")"
fetched
say '4. Or leave the server on port 3000, and let its bind land on 80.'
show bindgate attach "/$name" 3000=80/tcp || fail 'attach failed'
serve 3000 || fail "the server did not start: $(tail -n 1 "$work/log")"
fetched
say '5. What the kernel enforces, and how often it did.'
show bindgate list || fail 'list failed'
say '6. The port map, as the program in the kernel reads it.'
show bindgate maps dump || fail 'maps dump failed'
say '7. Take the gate away: the next bind is refused again.'
show bindgate detach "/$name" || fail 'detach failed'
refused
say 'Nothing is left behind.'
