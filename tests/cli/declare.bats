#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# apply and export: gates from a file, all or nothing.

load common

@test "apply makes the gates what the file declares" {
	mkdir "$CG/web1" "$CG/web2" "$CG/db"
	cat >"$WORK/gates.yaml" <<-END
		gates:
		- cgroup: $NAME/web*
		  default: deny
		  label: the web
		  rules: [80/tcp, 443/tcp]
		- cgroup: $NAME/db
		  rules:
		  - "[::1]:99"
		  - deny:100
	END
	run -0 bindgate apply "$WORK/gates.yaml"
	equal output "$output" "attached $NAME/web1
attached $NAME/web2
attached $NAME/db"
	equal rules "$(rules_of "$CG/web2") / $(rules_of "$CG/db")" "80/tcp 443/tcp / [::1]:99 deny:100"
	equal binds "$(AT=$CG/web1 binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 8080')" $'ok 127.0.0.1 80\nEACCES'
	run -0 bindgate apply "$WORK/gates.yaml"
	equal again "$output" "Nothing to change: the gates are as declared."
	# what apply made and the file has no more goes
	sed -i '/db/,$d' "$WORK/gates.yaml"
	run -0 bindgate apply "$WORK/gates.yaml"
	equal gone "$output" "detached $NAME/db"
}

@test "--dry-run shows the difference and changes nothing" {
	mkdir "$CG/new"
	printf 'gates:\n- {cgroup: %s, rules: [80, 443, "deny:22"]}\n' "$NAME" | bindgate apply -
	printf 'gates:\n- {cgroup: %s, default: deny, rules: [80, 8443/tcp, "deny:22"]}\n- {cgroup: %s/new, rules: [53]}\n' "$NAME" "$NAME" >"$WORK/gates.yaml"
	local before
	before=$(bindgate list -j)
	run -0 bindgate apply --dry-run "$WORK/gates.yaml"
	equal difference "$output" "  $NAME
-   default pass
+   default deny
    80
-   443
+   8443/tcp
    deny:22
+ $NAME/new
+   default pass
+   53"
	equal unchanged "$(bindgate list -j)" "$before"
	equal json "$(bindgate apply --dry-run -j "$WORK/gates.yaml" | json "[d['dry_run']] + [g['result'] for g in d['gates']]")" \
		'[true, "replaced", "attached"]'
}

@test "the same gate twice, a new label, and what stays as it is" {
	mkdir "$CG/a" "$CG/b"
	printf 'gates:\n- {cgroup: %s/a, label: old, rules: [80]}\n- {cgroup: %s/*, rules: [443]}\n' "$NAME" "$NAME" >"$WORK/gates.yaml"
	bindgate apply "$WORK/gates.yaml"
	equal "the first has it" "$(rules_of "$CG/a") $(rules_of "$CG/b")" "80 443"
	sed -i 's/old/new/' "$WORK/gates.yaml"
	run -0 bindgate apply --dry-run "$WORK/gates.yaml"
	equal difference "$output" "  $NAME/a
-   default pass, label \"old\"
+   default pass, label \"new\"
    80"
	equal json "$(bindgate apply -j "$WORK/gates.yaml" | json "[g['result'] for g in d['gates']]")" '["replaced", "unchanged"]'
}

@test "export | apply is the identity" {
	mkdir "$CG/a" "$CG/b: c" "$CG/d"
	bindgate attach "$CG/a" 80 'deny:22' '[::1]:443/tcp' '3000=80,uid=0' 25,for=10m --label 'x: "y" #z' --audit
	bindgate attach "$CG/b: c" --default deny --netns host
	bindgate export >"$WORK/all.yaml"
	local before
	before=$(bindgate list -j)
	run -0 bindgate apply "$WORK/all.yaml"
	equal nothing "$output" "Nothing to change: the gates are as declared."
	equal same "$(bindgate list -j | json "[(g['path'], g['owner'], [r['rule'] for r in g['rules']]) for g in d['gates']]")" \
		"$(json "[(g['path'], g['owner'], [r['rule'] for r in g['rules']]) for g in d['gates']]" <<<"$before")"
	bindgate detach --all
	bindgate apply "$WORK/all.yaml"
	equal restored "$(bindgate list -j | json "[[(k, v) for k, v in sorted(g.items()) if k not in ('owner', 'rules')] + [r['rule'] for r in g['rules']] for g in d['gates']]")" \
		"$(json "[[(k, v) for k, v in sorted(g.items()) if k not in ('owner', 'rules')] + [r['rule'] for r in g['rules']] for g in d['gates']]" <<<"$before")"
}

@test "gates that others made are left alone" {
	mkdir "$CG/a" "$CG/b"
	bindgate attach "$CG/a" 80
	printf 'gates:\n- {cgroup: %s/b, rules: [443]}\n' "$NAME" | bindgate apply -
	equal both "$(rules_of "$CG/a") $(rules_of "$CG/b")" "80 443"
	printf 'gates:\n- {cgroup: %s/b, rules: [444]}\n- {cgroup: %s/a, rules: [81]}\n' "$NAME" "$NAME" >"$WORK/gates.yaml"
	run -1 bindgate apply "$WORK/gates.yaml"
	equal refused "$output" "bindgate: $NAME/a is a gate of \"cli\" with another policy: detach it, or add --adopt to take it over"
	equal untouched "$(rules_of "$CG/a") $(rules_of "$CG/b")" "80 443"
	bindgate apply --adopt "$WORK/gates.yaml"
	equal adopted "$(rules_of "$CG/a") $(rules_of "$CG/b")" "81 444"
}

@test "all or nothing: what fails on the way is taken back" {
	mkdir "$CG/a" "$CG/b"
	printf 'gates:\n- {cgroup: %s/a, rules: [80]}\n' "$NAME" | bindgate apply -
	exec {crowd}< <(exec "$PYTHON" -IS "$HERE/bpf.py" crowd "$CG/b" bind4 64 < <(exec sleep 600 2>&- 3>&-) 3>&-)
	local holder=$! count
	read -r -u "$crowd" count
	printf 'gates:\n- {cgroup: %s/a, rules: [81]}\n- {cgroup: %s/b, rules: [82]}\n' "$NAME" "$NAME" >"$WORK/gates.yaml"
	run -1 bindgate apply "$WORK/gates.yaml"
	kill "$holder"
	ended 1 "$CG/b has 64 programs on its bind hooks already"
	equal "taken back" "$(bindgate list -j | json "[(g['path'], [r['rule'] for r in g['rules']]) for g in d['gates']]")" "[[\"$CG/a\", [\"80\"]]]"
}

@test "an expired rule is not brought back by applying the file again" {
	printf 'gates:\n- {cgroup: %s, rules: ["81/tcp,for=1s"]}\n' "$NAME" >"$WORK/gates.yaml"
	bindgate apply "$WORK/gates.yaml"
	equal rule "$(rules_of)" '81/tcp,for=1s' # how long it holds is the kernel tests' to say
	until [ "$(binds 'tcp 127.0.0.1 81')" = EACCES ]; do sleep 0.1; done
	bindgate apply "$WORK/gates.yaml"
	equal expired "$(binds 'tcp 127.0.0.1 81')" EACCES
}

# What is wrong is told with file and line, before anything is changed.
refuses() { # TEXT LINE WORDS
	printf '%b' "$1" >"$WORK/bad.yaml"
	run -1 bindgate apply "$WORK/bad.yaml"
	equal "$1" "$output" "bindgate: $WORK/bad.yaml:$2: $3"
}

@test "errors name file, line and what was expected" {
	refuses 'gates:\n- cgroup: /a\n  rulez: [80]\n' 3 '"rulez" is not a key here'
	refuses 'gates:\n- cgroup: /a\n  rules: 80\n' 3 'rules: expected a list, not a single value'
	refuses 'gates:\n- cgroup: /a\n  rules: [80,\n   443, 80-79]\n' 4 'rule "80-79": the range goes down: did you mean 79-80?'
	refuses 'gates:\n- cgroup: /a\n  default: maybe\n' 3 'default is pass or deny, not "maybe"'
	refuses 'gates:\n- cgroup: /a\n  audit: 7up\n' 3 'audit is true or false, not "7up"'
	refuses 'gates:\n- cgroup: /a\n  cgroup: /b\n' 3 '"cgroup" is here a second time'
	refuses 'gates:\n- cgroup: /a\n- cgroup: /a\n' 3 'the cgroup "/a" is declared a second time'
	refuses 'gates:\n- rules: [80]\n' 2 'the key "cgroup" is missing'
	refuses 'gates:\n- cgroup: self\n' 2 '"self" means another cgroup tomorrow: name a path, a glob or unit:NAME'
	refuses 'gates:\n\t- x\n' 2 'found character that cannot start any token'
	refuses '- x\n' 1 'expected keys and values, not a list'
	refuses '' 1 'the file is empty; write "gates: []" to declare none'
	refuses 'a: &x 1\nb: *x\n' 2 'aliases (*name) are not taken here'
	refuses "$(head -c 100000 /dev/zero | tr '\0' '[')" 1 'lists and keys are nested too deep here'
	refuses 'gates: []\n---\ngates: []\n' 2 'a second document begins here; one file is one document'
	refuses 'daemon:\n  log: some\n' 2 'log is none, denied or all, not "some"'
	refuses 'pods:\n- labels: [app]\n' 2 'a label is written key=value, not "app"'
	refuses 'gates:\n- cgroup: /a\n  label: "\\t"\n' 3 'the label has a character that is not printable ASCII'
	refuses 'pods:\n- may_ask: [80,\n   "deny:81"]\n' 3 'may_ask says what may be bound: neither deny nor pass nor ='
	run -1 bindgate apply "$WORK"
	equal folder "$output" "bindgate: cannot read $WORK: Is a directory"
	head -c 4200000 /dev/zero | tr '\0' '#' >"$WORK/large.yaml"
	run -1 bindgate apply "$WORK/large.yaml"
	equal large "$output" "bindgate: $WORK/large.yaml is larger than 4 MiB"
	run -1 bindgate apply /no/such/file
	equal missing "$output" "bindgate: cannot read /no/such/file: No such file or directory"
	run -1 bindgate apply - <<<"gates: [{cgroup: $NAME/nosuch}]"
	ended 1 "no such cgroup: $NAME/nosuch (cgroup v2 is mounted at $CGROUP2)"
}

@test "export names each cgroup so that apply finds it and no other" {
	local odd=$CG/'w*' plain=$CG/'a\x2db' bytes
	mkdir "$odd" "$CG/web" "$plain"
	bindgate attach "$odd" 80
	bindgate attach "$plain" 81
	run -0 --separate-stderr bindgate export
	printf '%s\n' "$output" >"$WORK/gates.yaml"
	bindgate detach --all
	bindgate apply "$WORK/gates.yaml"
	equal gates "$(bindgate list -j | json "sorted(g['path'][len('$CG'):] for g in d['gates'])")" '["/a\\x2db", "/w*"]'
	# a name that YAML cannot hold: the rest comes out, and it is told
	bytes=$CG/$'\xff'
	mkdir "$bytes"
	bindgate attach "$bytes" 82
	run -1 --separate-stderr bindgate export
	[[ $stderr == *'is left out: its name is not UTF-8'* ]]
	printf '%s\n' "$output" | diff - "$WORK/gates.yaml"
}
