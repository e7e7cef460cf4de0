#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The everyday commands, held against what the kernel then does.

load common

@test "attach grants exactly its ports, detach takes them back" {
	equal before "$(both_80)" "$REFUSED"
	run -0 --separate-stderr bindgate attach "$CG" 80/tcp
	equal output "$output$stderr" "attached $NAME: 80/tcp, default pass"
	equal granted "$(both_80)" "$GRANTED"
	equal udp "$(binds 'udp 0.0.0.0 80')" EACCES
	equal other "$(binds 'tcp 0.0.0.0 81')" EACCES
	run -0 bindgate detach "$CG"
	equal output "$output" "detached $NAME"
	equal after "$(both_80)" "$REFUSED"
}

@test "attach on a gate replaces its policy, and says so" {
	bindgate attach "$CG" 80
	run -0 bindgate attach "$CG" 3000=80/tcp --default deny --label shop
	equal output "$output" "replaced $NAME: 3000=80/tcp, default deny
before $NAME: 80, default pass"
	equal binds "$(binds 'tcp 127.0.0.1 3000' 'tcp 127.0.0.1 80' 'udp 127.0.0.1 8080')" $'ok 127.0.0.1 80\nEACCES\nEACCES'
	run -0 bindgate attach "$CG" 3000=80/tcp --default deny --label shop
	equal output "$output" "unchanged $NAME: 3000=80/tcp, default deny"
}

@test "add and remove edit a live gate, all rules or none" {
	bindgate attach "$CG" 80 deny:8080
	binds 'tcp 127.0.0.1 80'
	run -0 bindgate add "$CG" 443/tcp 9000-9010=8000
	equal rules "$(rules_of)" "80 deny:8080 443/tcp 9000-9010=8000"
	equal hits "$(bindgate list -j | json "d['gates'][0]['rules'][0]['hits']")" 1
	run -2 bindgate add "$CG" 53 70000
	run -1 bindgate remove "$CG" 80 81
	ended 1 'no rule "81" there'
	equal rules "$(rules_of)" "80 deny:8080 443/tcp 9000-9010=8000"
	run -0 bindgate remove "$CG" deny:8080 9000-9010=8000
	equal rules "$(rules_of)" "80 443/tcp"
	equal hits "$(bindgate list -j | json "d['gates'][0]['rules'][0]['hits']")" 1
	run -3 bindgate add "$CGROUP2" 80
	ended 3 "/ is not a gate: bindgate attach makes it one"
}

@test "editing a gate does not bring back what has expired" {
	bindgate attach "$CG" 81/tcp,for=1s
	until [ "$(binds 'tcp 127.0.0.1 81')" = EACCES ]; do sleep 0.1; done
	bindgate add "$CG" 8443/tcp
	bindgate remove "$CG" 8443/tcp
	equal expired "$(binds 'tcp 127.0.0.1 81')" EACCES
	equal left "$(bindgate list -j | json "d['gates'][0]['rules'][0]['expires_in_s']")" 0
	bindgate attach "$CG" 81/tcp,for=10m
	equal anew "$(binds 'tcp 127.0.0.1 81')" 'ok 127.0.0.1 81'
}

@test "a rule that is not there: what was meant is told" {
	bindgate attach "$CG" 80/tcp 25,for=10m --default deny
	run -1 bindgate remove "$CG" 80/udp
	equal near "$output" 'bindgate: no rule "80/udp" there: did you mean "80/tcp"?'
	run -0 bindgate remove "$CG" 25 # without its for=
	run -0 bindgate remove "$CG" 80/tcp
	run -1 bindgate remove "$CG" 80/tcp
	equal none "$output" 'bindgate: no rule "80/tcp" there: the gate has no rules'
}

@test "list tells how long a rule has left" {
	bindgate attach "$CG" 81,for=1s 82,for=90s 83,for=90m 84,for=30h 85
	until [ "$(binds 'tcp 127.0.0.1 81')" = EACCES ]; do sleep 0.1; done
	equal left "$(bindgate list | sed "s|^$NAME||" | awk '/^ +8[1-4]/ { print $1, $3 }' | sed -E 's/ (8.|90)s$/ ..s/; s/ (89|90)m..s$/ ..m..s/; s/ (29|30)h..m$/ ..h..m/')" \
		"81,for=1s expired
82,for=90s ..s
83,for=90m ..m..s
84,for=30h ..h..m"
}

@test "a gate's id names it for every command" {
	local id
	bindgate attach "$CG" 80
	id=id:$(id_of "$CG")
	bindgate add "$id" 443
	bindgate remove "$id" 80
	equal rules "$(rules_of)" 443
	bindgate list "$id"
	bindgate maps dump "$id"
	bindgate detach "$id"
}

@test "several cgroups at once: what can be detached is, what cannot is told" {
	mkdir "$CG/a" "$CG/b"
	bindgate attach "$CG/a" 80
	bindgate attach "$CG/b" 80
	run -3 --separate-stderr bindgate detach "$CG/a" "$CG" "$CG/b"
	equal done "$output" "detached $NAME/a
detached $NAME/b"
	equal told "$stderr" "bindgate: $NAME is not a gate: bindgate attach makes it one"
	bindgate attach "$CG/a" 80
	run -3 bindgate detach -j "$CG" "$CG/a"
	equal json "$(json "[d['detached'], [e['cgroup'] for e in d['errors']]]" <<<"$output")" "[[\"$NAME/a\"], [\"$NAME\"]]"
}

@test "a reader that takes its time holds nobody up" {
	mkdir "$CG/"{1..7}
	for i in 1 2 3 4 5 6 7; do bindgate attach "$CG/$i" $(seq 1000 2 1500); done
	mkfifo "$WORK/done"
	bindgate maps dump | { timeout 50 cat "$WORK/done"; cat >/dev/null; } 3>&- &
	sleep 0.3
	timeout 40 "$BINDGATE" attach "$CG" 80
	echo >"$WORK/done"
	wait
}

@test "list and maps dump show what the kernel enforces" {
	bindgate attach "$CG" 80/tcp 8000-8010=9000 443/tcp,uid=0 --label 'the web'
	binds 'tcp 127.0.0.1 80' 'udp 127.0.0.1 8005' 'tcp 127.0.0.1 443'
	run -0 bindgate list
	[[ $output == "CGROUP"*"RULE"*"HITS"*"LEFT"*"OWNER"*"LABEL"* ]]
	[[ $output == *"$NAME"*"80/tcp"*1*cli*"the web"* ]]
	[[ $output == *"binds: 1 passed, 1 allowed, 1 rewritten, 0 denied"* ]]
	run -0 bindgate maps dump "$CG"
	equal dump "$(tail -n +2 <<<"$output")" "PROTO  PORTS       VERDICT  RULE                                HITS
tcp    1-79        pass     default                                1
tcp    80          allow    80/tcp                                 1
tcp    81-442      pass     default                                1
tcp    443         allow    443/tcp,uid=0, then those after it     0
tcp    444-7999    pass     default                                1
tcp    8000-8010   rewrite  8000-8010=9000                         1
tcp    8011-65535  pass     default                                1
udp    1-7999      pass     default                                1
udp    8000-8010   rewrite  8000-8010=9000                         1
udp    8011-65535  pass     default                                1"
}

@test "JSON is as it is documented" {
	bindgate attach "$CG" 80/tcp 25,for=10m
	both_80
	equal list "$(bindgate list -j | json "[sorted(d), sorted(d['gates'][0])]")" \
		'[["gates"], ["audit", "cgroup", "default", "default_hits", "goes_with", "id", "label", "netns", "owner", "path", "permanent", "rules", "unasked_hits", "verdicts"]]'
	equal gate "$(bindgate list -j "$CG" | json "[(g['cgroup'], g['path'], g['id'], g['owner'], g['label'], g['default'], g['netns'], g['audit'], g['verdicts']) for g in d['gates']]")" \
		"[[\"$NAME\", \"$CG\", $(id_of "$CG"), \"cli\", \"\", \"pass\", \"any\", false, {\"allow\": 2, \"deny\": 0, \"pass\": 0, \"rewrite\": 0}]]"
	equal rules "$(bindgate list -j | json "[(r['rule'], r['hits'], r['expires_in_s'] in (None, *range(580, 601))) for r in d['gates'][0]['rules']]")" \
		'[["80/tcp", 2, true], ["25,for=10m", 0, true]]'
	equal map "$(bindgate maps dump -j | json "[m for m in d['gates'][0]['map'] if m['first'] == 80]")" \
		'[{"decides": true, "first": 80, "last": 80, "protocol": "tcp", "rule": 0, "verdict": "allow"}]'
	equal attach "$(bindgate attach -j "$CG" 80 80/tcp | json "[sorted(d), d['result'], d['warnings']]")" \
		'[["before", "gate", "keep", "result", "warnings"], "replaced", ["rule \"80/tcp\" can never match: \"80\" before it takes all its binds"]]'
	equal detach "$(bindgate detach -j "$CG" | json d)" "{\"detached\": [\"$NAME\"], \"errors\": [], \"forgotten\": [], \"warnings\": []}"
	equal none "$(bindgate -j | json d)" '{"gates": []}'
	equal error "$(bindgate attach -j "$CG" 0 | json "[sorted(d), d['error']['code']]")" '[["error"], 2]'
}

@test "slashes behind the pin directory's name change nothing" {
	bindgate attach "$CG" 80 --pin-dir "$BINDGATE_PIN_DIR//"
	equal rules "$(rules_of)" 80
}

@test "bare bindgate is list" {
	run -0 bindgate
	equal nothing "$output" "There are no gates. bindgate attach CGROUP 80/tcp makes one; bindgate help tells more."
	bindgate attach "$CG" 80
	equal same "$(bindgate)" "$(bindgate list)"
}

@test "a cgroup is a path, a relative path, pid:N or self" {
	for name in "$CG" "${NAME#/}" "$NAME"; do
		bindgate attach "$name" 80
		equal "$name" "$(both_80)" "$GRANTED"
		bindgate detach "$name"
	done
	in_cgroup "$CG" sleep 30 3>&- &
	local sleeper
	until read -r sleeper <"$CG/cgroup.procs"; do :; done
	bindgate attach "pid:$sleeper" 80
	kill "$sleeper"
	equal pid "$(both_80)" "$GRANTED"
	bindgate detach "$CG"
	in_cgroup "$CG" "$BINDGATE" attach self 80
	equal self "$(both_80)" "$GRANTED"
	run -0 bindgate detach "id:$(id_of "$CG")"
	equal id "$(both_80)" "$REFUSED"
}

@test "who may enter the cgroup besides root is told" {
	chown 65534 "$CG/cgroup.procs"
	run -0 --separate-stderr bindgate attach "$CG" 80
	equal user "$stderr" "bindgate: warning: user 65534 may write $CG/cgroup.procs: whoever enters the cgroup gets its ports"
	chown 0 "$CG/cgroup.procs"
	chmod o+w "$CG/cgroup.procs"
	run -0 --separate-stderr bindgate attach "$CG" 81
	equal all "$stderr" "bindgate: warning: everybody may write $CG/cgroup.procs: whoever enters the cgroup gets its ports"
}

@test "names of cgroups cannot speak to the terminal" {
	local odd=$CG/$'a\e[31m\xffb'
	mkdir "$odd"
	bindgate attach "$odd" 80
	run -0 bindgate list
	[[ $output == *"$NAME/a\\x1b[31m\\xffb"* ]]
	[[ $output != *$'\e'* ]]
	equal json "$(bindgate list -j | json "d['gates'][0]['cgroup']")" "\"$NAME/a\\\\x1b[31m\\\\xffb\""
}

@test "colours are for terminals" {
	bindgate attach "$CG" 80
	unset NO_COLOR
	[[ $(bindgate list) != *$'\e['* ]]
	[[ $(script -qec "$BINDGATE list" /dev/null) == *$'\e[1m'* ]]
	[[ $(NO_COLOR=1 script -qec "$BINDGATE list" /dev/null) != *$'\e['* ]]
}

@test "a closed pipe ends a command quietly, a full disk does not" {
	bindgate attach "$CG" 80
	run -1 --separate-stderr bash -c '"$BINDGATE" maps dump > >(exec sleep 0; :) 2>&2; "$BINDGATE" list >/dev/full'
	equal full "$stderr" "bindgate: cannot write what list has to say: No space left on device"
}

@test "every command has its help, and the summary names it" {
	for command in attach add remove detach list maps probe version help; do
		run -0 bindgate "$command" --help
		[[ $output == "bindgate $command"* ]]
		equal "help $command" "$(bindgate help "$command")" "$output"
		bindgate help | grep -q "^  bindgate $command "
	done
}

@test "help as JSON has every command with its options" {
	equal commands "$(bindgate help -j | json "' '.join(c['name'] for c in d['commands'])")" \
		"\"$(bindgate help | sed -n 's/^  bindgate \([a-z-]*\) .*/\1/p' | xargs)\""
	equal attach "$(bindgate -j help attach | json "[[o['name'] for o in d['commands'][0]['options']], d['commands'][0]['arguments']]")" \
		'[["default", "netns", "audit", "label", "permanent"], [{"many": false, "name": "CGROUP", "optional": false}, {"many": true, "name": "RULE", "optional": false}]]'
	equal common "$(bindgate help -j | json "[o['name'] for o in d['options']]")" '["json", "verbose", "pin-dir", "help"]'
}

@test "a wrong command line is JSON too" {
	local words
	for words in 'frob --json' '-j frob' 'list --nope -j' '-j list --nope' 'attach -j' 'help -j frob'; do
		# shellcheck disable=SC2086 # words
		run -2 bindgate $words
		equal "$words" "$(json "sorted(d['error'])" <<<"$output")" '["code", "message"]'
	done
}

@test "probe and version say what there is" {
	run -0 bindgate probe
	ended 0 "This kernel can carry gates."
	equal usable "$(bindgate probe -j | json "[d['usable'], d['waives'], d['cgroup2_path']]")" "[true, true, \"$CGROUP2\"]"
	run -0 bindgate version
	[[ $output == "bindgate "*" (layout 2), libbpf "* ]]
	bindgate attach "$CG" 80
	[[ $(bindgate version) == *"programs in the kernel: loaded by bindgate "* ]]
	equal json "$(bindgate version -j | json "[d['layout'], d['version'] == '$(bindgate --version | awk 'NR == 1 { print $2 }')', d['loaded'] == d['version']]")" \
		"[2, true, true]"
}

@test "a rule that confines one family and leaves out the other is warned of" {
	twin_of() { # RULE... ; the rules that attach says are missing
		bindgate attach -j "$CG" "$@" | json "' '.join(w.split('add \"')[1].split('\"')[0] for w in d['warnings'])" | tr -d '"'
	}
	bindgate attach "$CG" deny:0.0.0.0/0:8585
	equal "what a dual-stack server gets by" "$(binds 'tcp 0.0.0.0 8585' 'tcp :: 8585')" $'EACCES\nok :: 8585'
	run --separate-stderr -0 bindgate attach "$CG" deny:0.0.0.0/0:8585
	equal told "$stderr" 'bindgate: warning: rule "deny:0.0.0.0/0:8585" leaves out IPv6, and servers on [::], which take IPv4 too: add "deny:[::/0]:8585", or what is meant for it'
	bindgate attach "$CG" deny:0.0.0.0/0:8585 deny:[::/0]:8585
	equal "with its twin" "$(binds 'tcp 0.0.0.0 8585' 'tcp :: 8585')" $'EACCES\nEACCES'
	equal twins "$(twin_of 80=127.0.0.1:8080/tcp)" 'deny:[::/0]:80/tcp'
	equal twins "$(twin_of '80=[::1]:8080' 81-90=127.0.0.1:9000,uid=33)" 'deny:0.0.0.0/0:80 deny:[::/0]:81-90,uid=33'
	equal twins "$(twin_of 'deny:[::/0]:80')" deny:0.0.0.0/0:80
	local rules
	for rules in 'deny:0.0.0.0/0:80 deny:[::]:80' '80=127.0.0.1:8080 deny:80' '80=127.0.0.1:8080 [::]:80' '80=127.0.0.1:8080 80=[::1]:8080' \
		deny:127.0.0.1:80 127.0.0.1:80 80=8080 0.0.0.0/0:80 '--default deny 80=127.0.0.1:8080'; do
		# shellcheck disable=SC2086 # several words
		equal "$rules" "$(twin_of $rules)" ''
	done
}

@test "a gate on the root of all cgroups is warned of" {
	run -0 --separate-stderr bindgate attach / pass:65000/udp # which changes nothing for anybody
	equal told "$stderr" "bindgate: warning: / is the root of all cgroups: every process of this machine is in this gate; make a cgroup for what is meant (mkdir), or use bindgate run"
	bindgate detach /
}

@test "the default's hits are those of the default that stands" {
	bindgate attach "$CG" 80
	binds 'tcp 127.0.0.1 8080' 'tcp 127.0.0.1 8081' >/dev/null
	bindgate attach --default deny "$CG" 80
	binds 'tcp 127.0.0.1 8080' >/dev/null
	equal hits "$(bindgate list | awk '/default deny/ { print $3 }')" 1
	equal totals "$(bindgate list -j | json "[d['gates'][0]['verdicts'][v] for v in ('pass', 'deny')]")" '[2, 1]'
}

@test "a rule that is not there: the one that is nearest is named" {
	bindgate attach "$CG" 1-1000 80/udp 80/tcp,uid=0
	run -1 bindgate remove "$CG" 80/tcp
	ended 1 'no rule "80/tcp" there: did you mean "80/udp"?'
	run -1 bindgate remove "$CG" 90
	ended 1 'no rule "90" there: did you mean "1-1000"?'
}
