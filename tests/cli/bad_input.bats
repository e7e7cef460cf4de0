#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bad input of any kind gets one line that says what, where and what to do; nothing is changed.

load common

# The command line ends with this status and this one line on stderr, and leaves nothing in the kernel.
says() { # STATUS LINE ARGUMENT...
	local wanted=$1 line=$2
	shift 2
	run "-$wanted" --separate-stderr bindgate "$@"
	equal "stdout of $*" "$output" ""
	equal "bindgate ${*:0:200}" "$stderr" "bindgate: $line"
	[ ! -e "$BINDGATE_PIN_DIR/gates/$(id_of "$CG")" ]
}

refuses_rule() { # RULE REASON
	says 2 "rule \"$1\": $2" attach "$CG" 443 "$1"
}

@test "rules" {
	refuses_rule 0 'port 0 needs no rule: a bind to it passes, and only deny:0 denies it'
	refuses_rule 65536 'port 65536 is too high: ports are 1 to 65535'
	refuses_rule 99999999999999999999 'port 99999999999999999999 is too high: ports are 1 to 65535'
	refuses_rule 80-79 'the range goes down: did you mean 79-80?'
	refuses_rule 80/sctp '"sctp" is no protocol that can be gated: tcp or udp'
	refuses_rule 1.2.3.4.5:80 '"1.2.3.4.5" is not an IPv4 address'
	refuses_rule 1.2.3.4/33:80 '/33 is no prefix length: IPv4 has /0 to /32'
	refuses_rule '[::1/129]:80' '/129 is no prefix length: IPv6 has /0 to /128'
	refuses_rule ::1:80 'an IPv6 address stands in brackets, as in [::1]:80'
	refuses_rule 80,uid=nosuchuser 'there is no user "nosuchuser" here'
	refuses_rule 80,gid=nosuchgroup 'there is no group "nosuchgroup" here'
	refuses_rule 3000- 'the range has no end (a rewrite is written 3000=80; of 3000->80 the shell takes >80 away)'
	refuses_rule '3000->80' 'a rewrite is written 3000=80, not 3000->80'
	refuses_rule deny:80=81 'only an allow can rewrite: leave deny or = away'
	refuses_rule '[::1]:80=127.0.0.1:80' 'a bind cannot change from IPv6 to IPv4'
	refuses_rule any=9 'a range keeps its offset, and port 65535 would become 65543: ports end at 65535'
	refuses_rule 80, '"" is not one of uid=, gid=, for= (rules are separated by spaces)'
	refuses_rule 80,for=0s 'a duration is between 1s and 8 years (70080h)'
	says 2 'a rule is empty' attach "$CG" ''
}

@test "arguments that are no text, and ones without end" {
	says 2 'rule "8…": character 2 is not one that a rule can have' attach "$CG" $'8\xff0'
	says 2 'rule "888888888888888888888888…" is longer than 255 characters' attach "$CG" "$(printf '8%.0s' {1..100000})"
	says 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa… is too long for a path' attach "$(printf 'a%.0s' {1..100000})" 80
	says 2 'the label is longer than 127 characters; see bindgate attach --help' attach "$CG" 80 --label "$(printf 'a%.0s' {1..128})"
	says 2 'the label has a character that is not printable ASCII; see bindgate attach --help' attach "$CG" 80 --label $'a\e[31m'
}

@test "more rules than a gate holds" {
	bindgate attach "$CG" $(seq 256)
	equal full "$(bindgate list -j | json "len(d['gates'][0]['rules'])")" 256
	bindgate detach "$CG"
	says 2 'more than 256 rules for one gate: use port ranges (8000-8100) or address prefixes (10.0.0.0/8:80)' attach "$CG" $(seq 257)
}

@test "cgroups" {
	says 1 "no such cgroup: $CG/nosuch (mkdir makes one)" attach "$CG/nosuch" 80
	says 1 "/tmp is not in cgroup v2, which is mounted at $CGROUP2" attach /tmp 80
	says 1 '/etc/passwd is not a directory, let alone one of cgroup v2' attach /etc/passwd 80
	says 1 "$CG/cgroup.procs is a file: name the cgroup's directory, $CG" attach "$CG/cgroup.procs" 80
	says 1 'the name of the cgroup is empty' attach '' 80
	says 1 'pid:0 names no process: a pid is a number from 1 to 4194304' attach pid:0 80
	says 1 'pid:x names no process: a pid is a number from 1 to 4194304' attach pid:x 80
	says 1 "unit:nosuch does not run: with --permanent its gate is there when it starts" attach unit:nosuch 80
	says 3 "no such cgroup: $CG/nosuch (mkdir makes one)" detach "$CG/nosuch"
	says 3 "$NAME is not a gate: bindgate attach makes it one" detach "$CG"
	says 3 "$NAME is not a gate: bindgate attach makes it one" list "$CG"
	says 2 '"id:0" is not a cgroup'\''s id: id:N, with the number that list -j shows' detach id:0
}

@test "a cgroup v1 directory, on a hybrid host: the one that was meant" {
	local v1=/sys/fs/cgroup/pids/bindgate-test-v1-$$
	if [ ! -e /sys/fs/cgroup/pids/cgroup.procs ]; then
		skip "this host has cgroup v2 alone"
	fi
	mkdir "$v1" "$CGROUP2/${v1##*/}"
	run -1 bindgate attach "$v1" 80
	rmdir "$v1" "$CGROUP2/${v1##*/}"
	equal line "$output" "bindgate: $v1 is a cgroup v1 directory; bindgate needs cgroup v2: did you mean $CGROUP2/${v1##*/}?"
}

@test "what is not there is not made by looking for it" {
	says 3 "$NAME is not a gate: bindgate attach makes it one" detach "$CG"
	says 3 "$NAME is not a gate: bindgate attach makes it one" add "$CG" 80
	run -0 bindgate list
	[ ! -e "$BINDGATE_PIN_DIR" ]
}

@test "command lines" {
	says 2 'there is no command "lisst"; did you mean list?; see bindgate help' lisst
	says 2 'there is no command "frobnicate"; see bindgate help' frobnicate
	says 2 'there is no command "allow"; did you mean attach?; see bindgate help' allow 80
	says 2 '80 is no command but a rule: did you mean bindgate attach CGROUP 80?; see bindgate help' 80
	says 3 'no such cgroup: all: did you mean --all?' detach all
	mkdir "$CG/bg-shop-$$.service"
	says 1 "no such cgroup: bg-shop-$$: did you mean unit:bg-shop-$$?" attach "bg-shop-$$" 80
	says 2 'a cgroup and its rules are missing; see bindgate attach --help' attach
	says 2 'a rule is missing, such as 80/tcp (a gate without rules wants --default deny); see bindgate attach --help' attach "$CG"
	says 2 'the default is pass or deny, not "maybe"; see bindgate attach --help' attach --default maybe "$CG" 80
	says 2 'netns is any or host, not "guest"; see bindgate attach --help' attach --netns guest "$CG" 80
	says 2 '--nope is not an option here, or its value is missing; see bindgate attach --help' attach --nope "$CG" 80
	says 2 '-x is not an option here, or its value is missing; see bindgate list --help' list -xj
	says 2 'a cgroup is missing, or --all; see bindgate detach --help' detach
	says 2 '--all and a cgroup do not go together; see bindgate detach --help' detach --all "$CG"
	says 2 'maps knows one thing to do: dump; see bindgate maps --help' maps
	says 2 'one cgroup at most; see bindgate list --help' list "$CG" "$CG"
	says 2 'one cgroup at most; see bindgate maps --help' maps dump "$CG" "$CG"
	says 2 'one cgroup at most; see bindgate watch --help' watch "$CG" "$CG"
	says 2 'a cgroup and rules are needed; see bindgate add --help' add "$CG"
	says 2 'one file is needed, or - for standard input; see bindgate apply --help' apply
	says 2 'export takes no arguments; see bindgate export --help' export "$CG"
	says 2 'probe takes no arguments; see bindgate probe --help' probe "$CG"
	says 2 'version takes no arguments; see bindgate version --help' version "$CG"
	says 2 'a verdict is pass, allow, rewrite or deny, not "maybe"; see bindgate watch --help' watch --verdict maybe
	says 2 'a port is a number from 1 to 65535, not "65536"; see bindgate watch --help' watch --port 65536
	says 2 'a count is a number from 1, not "0"; see bindgate watch --help' watch --count 0
	says 2 'one cgroup is needed; see bindgate learn --help' learn
	says 2 'a duration is a number with s, m or h after it, such as 30s, 10m or 2h; see bindgate learn --help' learn --for 1d "$CG"
	says 2 'there is no command "lisst"; see bindgate help --help' help lisst
	says 2 "the hook takes no arguments: the container's state comes on standard input; see bindgate oci-hook --help" oci-hook "$CG"
}

@test "not root" {
	cp "$BINDGATE" "$WORK/bindgate"
	echo 'gates: []' >"$WORK/gates.yaml"
	for command in "attach $CG 80" "add $CG 80" "detach $CG" list "maps dump" export watch "watch $CG" "learn $CG" \
		"apply $WORK/gates.yaml" "run 80 -- true"; do
		# shellcheck disable=SC2086 # words of a command
		run -1 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/bindgate" $command
		equal "$command" "$stderr" "bindgate: must be run as root (try sudo)"
	done
}

@test "a root without the capabilities, as in a container" {
	run -1 --separate-stderr unshare --user --map-root-user "$BINDGATE" attach "$CG" 80
	equal line "$stderr" "bindgate: may not load BPF programs: that takes the machine's own root (CAP_BPF and CAP_NET_ADMIN), not a container's"
}

# As a container's AppArmor profile has it: root, and yet no writing below /sys/fs/bpf.
@test "a root that may not write there" {
	mkdir -m 500 "$BINDGATE_PIN_DIR"
	run -1 --separate-stderr setpriv --bounding-set -dac_override --inh-caps -dac_override \
		"$BINDGATE" attach "$CG" 80 --pin-dir "$BINDGATE_PIN_DIR/x"
	equal line "$stderr" "bindgate: cannot make the pin directory $BINDGATE_PIN_DIR/x: Permission denied; AppArmor or SELinux may \
forbid it$(confined): run bindgate unconfined (in Kubernetes, appArmorProfile: {type: Unconfined}; in SELinux, the type spc_t)"
}

confined() {
	local profile
	{ IFS= read -r -d '' profile || [ -n "$profile" ]; } 2>/dev/null </proc/self/attr/current || return 0
	echo " to \"${profile%$'\n'}\""
}

@test "the pin directory" {
	says 1 'the pin directory /tmp/x is not in a bpf file system: choose one below /sys/fs/bpf' attach "$CG" 80 --pin-dir /tmp/x
	says 1 'the pin directory must be an absolute path shorter than 256 characters' attach "$CG" 80 --pin-dir relative
	says 1 "cannot make the pin directory $BINDGATE_PIN_DIR.d: Operation not permitted (names in a bpf file system have no dots)" \
		attach "$CG" 80 --pin-dir "$BINDGATE_PIN_DIR.d"
	says 1 "cannot make the pin directory $BINDGATE_PIN_DIR/a/b: No such file or directory" attach "$CG" 80 --pin-dir "$BINDGATE_PIN_DIR/a/b"
	echo 'gates: []' >"$WORK/gates.yaml"
	for command in "add $CG 80" "detach $CG" list "maps dump" export watch "watch $CG" "learn $CG" "explain $CG 80" \
		"apply $WORK/gates.yaml" "run 80 -- true"; do
		# shellcheck disable=SC2086 # words of a command
		says 1 'the pin directory /tmp is not in a bpf file system: choose one below /sys/fs/bpf' --pin-dir /tmp $command
	done
	mkdir -m 777 "$BINDGATE_PIN_DIR"
	run -1 bindgate attach "$CG" 80
	ended 1 "$BINDGATE_PIN_DIR"
	chmod 700 "$BINDGATE_PIN_DIR"
	chown 65534 "$BINDGATE_PIN_DIR"
	run -1 bindgate attach "$CG" 80
	ended 1 "$BINDGATE_PIN_DIR"
	rmdir "$BINDGATE_PIN_DIR"
}

@test "64 programs on the hook already" {
	exec {crowd}< <(exec "$PYTHON" -IS "$HERE/bpf.py" crowd "$CG" bind4 64 < <(exec sleep 600 2>&- 3>&-) 3>&-)
	local holder=$! count
	read -r -u "$crowd" count
	equal crowd "$count" 64
	run -1 --separate-stderr bindgate attach "$CG" 80
	equal programs "$(attached "$CG")" 64
	kill "$holder"
	equal line "$stderr" "bindgate: $CG has 64 programs on its bind hooks already, the most that the kernel allows: detach some (bpftool cgroup show $CG)"
}

@test "a program that wants the hook for itself" {
	exec {held}< <(exec "$PYTHON" -IS "$HERE/bpf.py" hold "$CG" < <(exec sleep 600 2>&- 3>&-) 3>&-)
	local holder=$! word
	read -r -u "$held" word
	run -1 --separate-stderr bindgate attach "$CG" 80
	kill "$holder"
	equal line "$stderr" "bindgate: $CG: another program holds the bind hooks for itself, here or in a cgroup above (attached without BPF_F_ALLOW_MULTI): find it with bpftool cgroup tree"
}
