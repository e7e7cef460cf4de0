#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A command in a gate of its own, gone when it ends.

load common

# bindgate run from within the test's cgroup and network.
run_in() {
	in_cgroup "$CG" nsenter --net="/proc/self/fd/$NET" "$BINDGATE" run "$@"
}

nothing_left() {
	equal cgroups "$(find "$CG" -mindepth 1 -type d)" ""
	equal gates "$(bindgate list -j | json "d['gates']")" "[]"
	equal runs "$(find "$BINDGATE_PIN_DIR/runs" -mindepth 1 2>/dev/null)" ""
}

BIND='import socket, sys; s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); print("ok", s.getsockname()[1])'

@test "the command binds what was granted, as the user, and no more" {
	run -0 run_in --user nobody 80/tcp -- "$PYTHON" -c "$BIND" 80
	equal granted "$output" "ok 80"
	run -1 run_in --user nobody 80/tcp -- "$PYTHON" -c "$BIND" 81
	ended 1 PermissionError
	run -1 run_in --user 65534 --default deny 80/tcp -- "$PYTHON" -c "$BIND" 8080
	run -0 run_in --user 65534 3000=80 -- "$PYTHON" -c "$BIND" 3000
	equal rewritten "$output" "ok 80"
	nothing_left
}

@test "the user has no capability, and an environment of its own" {
	run -0 run_in --user nobody 80 -- sh -c 'id -u; grep -E "^Cap(Inh|Prm|Eff|Amb)" /proc/self/status | cut -f 2 | sort -u; echo "$USER $HOME"'
	equal user "$output" "65534
0000000000000000
nobody $(getent passwd nobody | cut -d: -f6)"
	run -2 bindgate run --user nosuchuser 80 -- true
	ended 2 'there is no user "nosuchuser" here'
}

@test "users without an entry, and root" {
	run -0 run_in --user 54321 80/tcp -- "$PYTHON" -c "$BIND; import os; print(os.getuid(), os.getgid(), os.getgroups())" 80
	equal granted "$output" "ok 80
54321 54321 []"
	for root in root 0; do
		run -0 run_in --user "$root" 80 -- sh -c 'echo "$(id -u) $(id -g) $USER"'
		equal "$root" "$output" "0 0 root"
	done
	nothing_left
}

@test "its exit status, or its signal, is bindgate's" {
	run -7 run_in 80 -- sh -c 'exit 7'
	run -0 run_in 80 -- true
	run -143 run_in 80 -- sh -c 'kill -TERM $$'
	run -137 run_in 80 -- sh -c 'kill -KILL $$'
	run -127 run_in 80 -- /no/such/command
	equal told "$output" "bindgate: cannot run /no/such/command: No such file or directory"
	run -126 run_in 80 -- /etc/passwd
	run -2 bindgate run 80
	ended 2 "a command is missing, behind --"
	run -2 bindgate run 70000 -- true
	nothing_left
}

@test "what the command left running is killed with its gate, and told" {
	run -0 --separate-stderr run_in 80 -- sh -c 'setsid sleep 1000 >/dev/null 2>&1 & echo $!; until read -r name <"/proc/$!/comm" && [ "$name" = sleep ]; do :; done'
	equal told "$stderr" "bindgate: warning: the command ended and left 1 process (sleep): killed; run the server in the foreground"
	run -0 --separate-stderr run_in 80 -- sh -c 'setsid sleep 1000 >/dev/null 2>&1 & setsid sleep 1000 >/dev/null 2>&1 & echo $!'
	[[ $stderr == *'the command ended and left 2 processes ('* ]]
	run -0 --separate-stderr run_in 80 -- true
	equal nothing "$stderr" ""
	! readlink "/proc/$output/exe"
	nothing_left
}

@test "SIGTERM and SIGINT are passed on" {
	for signal in TERM INT; do
		mkfifo "$WORK/$signal"
		run_in 80 -- bash -c 'trap "echo got it; exit 5" '$signal'; echo ready; while :; do sleep 0.05; done' >"$WORK/$signal" 3>&- &
		exec 7<"$WORK/$signal"
		read -r -u 7 line
		pkill -"$signal" -P $! -f "bindgate run" || kill -"$signal" $!
		read -r -u 7 line
		equal "$signal" "$line" "got it"
		status=0
		wait $! || status=$?
		equal status "$status" 5
	done
	nothing_left
}

@test "kill -9 of bindgate: the command dies, the next command collects the rest" {
	run_in 80 -- bash -c 'setsid sleep 1000 & echo "$$ $!"; sleep 1000' >"$WORK/out" 3>&- &
	until [ -s "$WORK/out" ]; do sleep 0.02; done
	local command left bindgate
	read -r command left <"$WORK/out"
	bindgate=$(awk '/^PPid/ { print $2 }' "/proc/$command/status")
	kill -9 "$bindgate"
	while readlink "/proc/$command/exe"; do sleep 0.02; done
	! readlink "/proc/$command/exe"
	readlink "/proc/$left/exe"
	mkdir "$CG/other"
	bindgate attach "$CG/other" 80
	! readlink "/proc/$left/exe"
	bindgate detach "$CG/other"
	rmdir "$CG/other"
	nothing_left
}

@test "cgroups made in the run's own go with it" {
	run -0 run_in 80 -- sh -c 'cd "$CG"/bindgate-run-* && mkdir -p a/b/c a/d e && echo $$ >a/b/c/cgroup.procs && exec sleep 0.01'
	equal said "$output" ""
	nothing_left
}

@test "kill -9 of bindgate: cgroups within the run's own are collected too, with what runs in them" {
	run_in 80 -- bash -c 'cd "$CG"/bindgate-run-* && mkdir -p a/b/c a/d e && echo $$ >a/b/c/cgroup.procs
		setsid sleep 1000 & echo "$PPID $!"; sleep 1000' >"$WORK/out" 3>&- &
	until [ -s "$WORK/out" ]; do sleep 0.02; done
	local bindgate left
	read -r bindgate left <"$WORK/out"
	kill -9 "$bindgate"
	mkdir "$CG/other"
	for _ in $(seq 100); do # each takes what has died by then
		bindgate attach "$CG/other" 80
		[ -n "$(find "$CG" -name 'bindgate-run-*')" ] || break
	done
	! readlink "/proc/$left/exe"
	bindgate detach "$CG/other"
	rmdir "$CG/other"
	nothing_left
}

@test "a terminal stays a terminal" {
	in_cgroup "$CG" script -qec "$BINDGATE run 80 -- sh -c 'test -t 0 && test -t 1 && read line </dev/tty && echo got \$line'" /dev/null \
		>"$WORK/out" <<<hello
	grep -q "got hello" "$WORK/out"
	nothing_left
}

@test "Ctrl-C on a terminal reaches the command once" {
	command -v tmux >/dev/null
	cat >"$WORK/count" <<-'END'
		n=0
		trap 'n=$((n + 1)); echo interrupted' INT
		echo ready
		while [ ! -e "$1" ]; do sleep 0.05; done
		echo "interrupts: $n"
	END
	tmux -L "bg-$$" -f /dev/null new-session -d -x 80 -y 24 \
		"echo 0 >$CG/cgroup.procs; BINDGATE_PIN_DIR=$BINDGATE_PIN_DIR $BINDGATE run 80 -- bash $WORK/count $WORK/stop >$WORK/out"
	until grep -q ready "$WORK/out" 2>/dev/null; do sleep 0.02; done
	tmux -L "bg-$$" send-keys C-c
	until grep -q interrupted "$WORK/out"; do sleep 0.02; done
	sleep 0.3 # for a second one
	touch "$WORK/stop"
	until grep -q interrupts: "$WORK/out"; do sleep 0.02; done
	tmux -L "bg-$$" kill-server 2>/dev/null || true
	equal once "$(tail -n 1 "$WORK/out")" "interrupts: 1"
}

@test "below systemd it says what Type=notify takes" {
	NOTIFY_SOCKET=/none run -0 --separate-stderr run_in 80 -- true
	[[ $stderr == *'only if its unit says NotifyAccess=all'* ]]
}

@test "as a user it has a session of its own: what root types it gets, but it cannot type for root" {
	cat >"$WORK/type.py" <<-'END'
		import fcntl, os, termios, signal, sys, time
		signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True) or sys.exit(3))
		print("session", os.getsid(0) == os.getpid(), "terminal", os.isatty(0), flush=True)
		try:
		    fcntl.ioctl(0, termios.TIOCSTI, b"x")
		    print("typed", flush=True)
		except OSError as e:
		    print(e.strerror, flush=True)
		try:
		    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
		    print("took it", flush=True)
		except OSError as e:
		    print(e.strerror, flush=True)
		time.sleep(60)
	END
	tmux -L "bg-$$" -f /dev/null new-session -d -x 80 -y 24 \
		"echo 0 >$CG/cgroup.procs; BINDGATE_PIN_DIR=$BINDGATE_PIN_DIR $BINDGATE run --user nobody 80 -- $PYTHON -IS $WORK/type.py >$WORK/out; echo \$? >$WORK/status"
	until [ "$(wc -l <"$WORK/out")" -ge 3 ] 2>/dev/null; do sleep 0.02; done
	tmux -L "bg-$$" send-keys C-c
	until [ -s "$WORK/status" ]; do sleep 0.02; done
	tmux -L "bg-$$" kill-server 2>/dev/null || true
	equal status "$(cat "$WORK/status")" 3
	grep -q '^session True terminal True$' "$WORK/out"
	grep -q '^interrupted$' "$WORK/out"
	! grep -E '^(typed|took it)$' "$WORK/out"
	nothing_left
}

@test "ip netns exec, which hides cgroup v2 and the pins, hides nothing from bindgate" {
	local name=bg-test-$$
	ip netns add "$name"
	# shellcheck disable=SC2016
	run in_cgroup "$CG" ip netns exec "$name" sh -c 'ip link set lo up; cd "$1" && shift; [ ! -e /sys/fs/cgroup/cgroup.procs ] &&
		exec "$@"' sh "$WORK" "$BINDGATE" run --user nobody 80/tcp -- "$PYTHON" -c "$BIND; import os; print(os.getcwd(), os.path.exists(\"$CG\"))" 80
	ip netns del "$name"
	equal served "$output" "ok 80
$WORK False"
	nothing_left
}

# A cgroup that is a user's, as systemd delegates it and as the user makes those below.
user_cgroup() {
	mkdir "$CG/user" "$CG/user/shell"
	chown -R 65534 "$CG/user/shell"
	chown 65534 "$CG/user" "$CG/user"/cgroup.{procs,threads,subtree_control}
}

run_from() { # CGROUP ARGUMENT...
	in_cgroup "$1" nsenter --net="/proc/self/fd/$NET" "$BINDGATE" run "${@:2}"
}

@test "from a user's cgroup: the gate is outside, in root's own" {
	user_cgroup
	bindgate attach --default deny "$CG" 80
	cat >"$WORK/command" <<-'END'
		cut -d: -f3 /proc/self/cgroup | tail -n 1
		setpriv --reuid 65534 --clear-groups sh -c 'echo $$ >"$CG/user/shell/cgroup.procs" || grep -q bindgate-run /proc/self/cgroup && echo kept' 2>&1
		setpriv --reuid 65534 --clear-groups rmdir "$CG"/bindgate-run-* 2>&1
		"$PYTHON" -c "$BIND" 81
	END
	export PYTHON BIND
	run -1 run_from "$CG/user/shell" --user root 80/tcp 81/tcp -- sh "$WORK/command"
	[[ ${lines[0]} == "$NAME"/bindgate-run-* ]]
	ended 1 kept # nobody gets out, though they own where they would go
	ended 1 "failed to remove"
	ended 1 PermissionError # what holds above the user's cgroup holds there too
	run -0 run_from "$CG/user/shell" 80/tcp -- "$PYTHON" -c "$BIND" 80
	bindgate detach "$CG"
	chmod 777 "$CG/user"
	chown -R 0 "$CG/user"
	run -0 run_from "$CG/user/shell" 80/tcp -- sh -c 'grep 0:: /proc/self/cgroup'
	[[ $output == "0::$NAME"/bindgate-run-* ]]
	chmod 755 "$CG/user"
	run -0 run_from "$CG/user/shell" 80/tcp -- sh -c 'grep 0:: /proc/self/cgroup'
	[[ $output == "0::$NAME"/user/shell/bindgate-run-* ]]
	nothing_left_below
}

nothing_left_below() {
	equal cgroups "$(find "$CG" -name 'bindgate-run-*')" ""
	equal runs "$(find "$BINDGATE_PIN_DIR/runs" -mindepth 1 2>/dev/null)" ""
}

@test "from a user's cgroup below a gate: refused, with what to do" {
	user_cgroup
	bindgate attach --default deny "$CG/user" 80
	run -1 run_from "$CG/user/shell" 80/tcp -- true
	equal told "$output" "bindgate: $NAME/user/shell is in another user's hands, who could take the command out of its gate, and outside, in $NAME, the gate of $NAME/user would not hold: leave it first, by echo \$\$ >$CGROUP2/cgroup.procs"
	nothing_left_below
	run -0 in_cgroup "$CG/user/shell" sh -c 'echo $$ >"$1/cgroup.procs" && exec "$2" run 80 -- true' sh "$CGROUP2" "$BINDGATE"
	bindgate detach "$CG/user"
	run -0 run_from "$CG/user/shell" 80/tcp -- true
	nothing_left_below
}

@test "from a user's cgroup below a limit of root's: refused; what the user set is no limit" {
	local controller enabled=() dir
	read -r controller _ <"$CGROUP2/cgroup.controllers"
	local path=$CGROUP2 part below
	local -a dirs=("$CGROUP2")
	IFS=/ read -ra below <<<"${NAME#/}"
	for part in "${below[@]}"; do
		path=$path/$part
		dirs+=("$path")
	done
	for dir in "${dirs[@]}"; do
		grep -qw "$controller" "$dir/cgroup.subtree_control" && continue
		echo "+$controller" >"$dir/cgroup.subtree_control"
		enabled=("$dir" "${enabled[@]}")
	done
	user_cgroup
	local limit=$(find "$CG/user" -maxdepth 1 \( -name '*.max' -o -name cpuset.cpus \) -printf '%f\n' | head -n 1)
	local before=$(cat "$CG/user/$limit")
	echo 0 >"$CG/user/$limit"
	run -1 run_from "$CG/user/shell" 80/tcp -- true
	ended 1 "the $limit of $NAME/user would not hold"
	chown 65534 "$CG/user/$limit"
	run run_from "$CG/user/shell" 80/tcp -- true
	ended 0 ""
	chown 0 "$CG/user/$limit"
	echo "$before" >"$CG/user/$limit"
	run -0 run_from "$CG/user/shell" 80/tcp -- true
	for dir in "${enabled[@]}"; do
		echo "-$controller" >"$dir/cgroup.subtree_control" || [ "$dir" = "$CGROUP2" ]
	done
	nothing_left_below
}
