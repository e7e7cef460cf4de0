#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# For who has an error message and not much else: what explain tells whom.

load common

# As an ordinary user in the gate's cgroup and the network namespace.
as_user() {
	cp "$BINDGATE" "$WORK/bindgate"
	served "$WORK/bindgate" "$@"
}

@test "an ordinary user is told all that takes no root, and the command for the rest" {
	bindgate attach "$CG" deny:8080 80
	run -1 as_user explain 80
	ended 1 ", uid 65534, gid 65534, in cgroup $NAME"
	ended 1 'ports below 1024 take a privilege there'
	ended 1 'lacks CAP_NET_BIND_SERVICE'
	ended 1 'only root can see them'
	ended 1 'It would be refused unless a gate allows it: EACCES (Permission denied).'
	equal command "${lines[-1]}" 'sudo bindgate explain self 80'
	run -1 as_user explain 8080
	ended 1 'It would succeed unless a gate says otherwise, and be bound to 0.0.0.0:8080.'
	run -1 as_user explain -j self 80/udp
	equal json "$(json "[d['complete'], d['succeeds'], d['error'], d['remedy']]" <<<"$output")" \
		'[false, false, "EACCES", "sudo bindgate explain self 80/udp"]'
	# another user's process: what can be seen of it
	run -1 as_user explain $$ 80
	ended 1 'only root can look into that of the process'
	ended 1 'has CAP_NET_BIND_SERVICE'
	equal command "${lines[-1]}" "sudo bindgate explain $$ 80"
}

@test "an ordinary user is told who holds a port" {
	in_net "$PYTHON" -c 'import socket, time; s = socket.create_server(("127.0.0.1", 8080)); time.sleep(60)' 3>&- &
	until in_net ss -Hltn 'sport = 8080' | grep -q .; do sleep 0.02; done
	run -1 as_user explain 127.0.0.1:8080
	kill $!
	ended 1 '8080 is held by a process that cannot be seen (uid 0) on 127.0.0.1'
	ended 1 'It would be refused: EADDRINUSE (Address already in use).'
}

@test "root asks for whoever called sudo, and the answer is what that bind gets" {
	# a user's shell that runs bindgate as root, as sudo does: setuid, the shell above it
	cp "$BINDGATE" "$WORK/bindgate"
	# shellcheck disable=SC2016
	in_cgroup "$CG" "$PYTHON" -IS -c 'import os, sys
shell, told = os.pipe(), os.pipe()
if os.fork() == 0:
    if os.fork() == 0:  # becomes what sudo starts
        os.read(shell[0], 1)
        os.execv(sys.argv[1], sys.argv[1:])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    os.write(shell[1], b"x")
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))' "$WORK/bindgate" explain 80 >"$WORK/told" && return 1
	grep -q "(python3), uid 65534, gid 65534, in cgroup $NAME" "$WORK/told"
	equal remedy "$(tail -n 1 "$WORK/told")" "bindgate attach $NAME 80/tcp"
	bash -c "PATH=${BINDGATE%/*}:\$PATH; $(tail -n 1 "$WORK/told")"
	equal granted "$(both_80)" $'ok 0.0.0.0 80\nok :: 80'
}

@test "what explain says of a shared port is what the kernel does" {
	# another user's socket cannot be shared over TCP, whatever both set
	in_net setpriv --reuid 1234 "$PYTHON" -IS -c 'import socket, time
a = socket.socket(); a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); a.bind(("0.0.0.0", 8080)); a.listen()
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); b.bind(("0.0.0.0", 8080))
time.sleep(60)' 3>&- &
	until in_net ss -Hlun 'sport = 8080' | grep -q .; do sleep 0.02; done
	shared() { # FAMILY TYPE ADDRESS OPTION: a bind by uid 65534 that sets it
		served "$PYTHON" -IS -c 'import socket, sys
s = socket.socket(getattr(socket, sys.argv[1]), getattr(socket, sys.argv[2]))
s.setsockopt(socket.IPPROTO_IPV6 if sys.argv[4].startswith("IPV6") else socket.SOL_SOCKET, getattr(socket, sys.argv[4]), 1)
try: s.bind((sys.argv[3], 8080)); s.listen() if sys.argv[2] == "SOCK_STREAM" else None; print("ok")
except OSError as e: print(e.strerror)' "$@"
	}
	equal 'tcp, another user' "$(shared AF_INET SOCK_STREAM 0.0.0.0 SO_REUSEPORT)" 'Address already in use'
	run -1 as_user explain 8080
	ended 1 '(uid 1234) on 0.0.0.0'
	[[ $output != *unless\ both* ]]
	equal 'udp, another user' "$(shared AF_INET SOCK_DGRAM 0.0.0.0 SO_REUSEADDR)" ok
	run -1 as_user explain 8080/udp
	ended 1 'on 0.0.0.0, unless both set SO_REUSEADDR'
	equal 'IPv6 only' "$(shared AF_INET6 SOCK_STREAM :: IPV6_V6ONLY)" ok
	run -1 as_user explain '[::]:8080'
	ended 1 'on 0.0.0.0, unless it is bound with IPV6_V6ONLY'
	kill $!
}

@test "a root that may not enter network namespaces, as in a container, is told of its own" {
	local contained=(setpriv --bounding-set -sys_admin,-sys_ptrace --inh-caps -sys_admin,-sys_ptrace "$BINDGATE")
	bindgate attach "$CG" 80
	run in_net "${contained[@]}" explain "$CG" 80
	ended 0 'would succeed'
	served sleep 60 3>&- &
	wait_for "$CG" sleep
	run -1 "${contained[@]}" explain "$pid" 80
	kill "$pid"
	ended 1 ' (that takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: ask on the node itself)'
}
