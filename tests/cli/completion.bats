#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What each shell offers while a command is being typed.

load common

in_bash() { # WORD... the last of them unfinished
	bash -c 'PATH=$1:$PATH; . "$2"; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bindgate; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "${BINDGATE%/*}" "$TREE/deploy/completion/bindgate.bash" "$@"
}

in_fish() { # LINE
	HOME=$WORK PATH=${BINDGATE%/*}:$PATH fish --no-config -c \
		'source $argv[1]; complete -C $argv[2] | string replace -r "\t.*" ""' "$TREE/deploy/completion/bindgate.fish" "$1"
}

in_zsh() { # LINE WANTED: typed into a terminal, with a tab behind it
	"$PYTHON" -IS "$HERE/type.py" "${BINDGATE%/*}" "$TREE/deploy/completion" "$1" "$2"
}

@test "bash completes commands, options, values, gates, rules and cgroups" {
	mkdir "$CG/shop" "$CG/two words"
	bindgate attach "$CG" 80 443/tcp
	equal command "$(in_bash bindgate att)" attach
	equal option "$(in_bash bindgate attach --def)" --default
	equal value "$(in_bash bindgate attach --default d)" deny
	equal 'after an option' "$(in_bash bindgate --pin-dir "$BINDGATE_PIN_DIR" att)" attach
	equal gate "$(in_bash bindgate detach "")" "$NAME"
	equal 'pin directory' "$(in_bash bindgate detach -p /sys/fs/bpf/none "")" ""
	equal rule "$(in_bash bindgate remove "$NAME" 4)" 443/tcp
	equal cgroup "$(in_bash bindgate attach "$NAME/s")" "$NAME/shop/"
	equal path "$(in_bash bindgate attach "$CG/s")" "$CG/shop/"
	equal quoted "$(in_bash bindgate attach "$NAME/t")" "$NAME/two\ words/"
	equal user "$(in_bash bindgate run --user nobod)" nobody
	in_bash bindgate run 80 -- setpri | grep -qx setpriv
	equal 'its file' "$(in_bash bindgate run 80 -- cat "$WORK/../$(basename "$WORK")")" "$WORK/../$(basename "$WORK")"
	equal file "$(in_bash bindgate apply "$TREE/Makef")" "$TREE/Makefile"
	equal verb "$(in_bash bindgate maps "")" dump
}

@test "every command and each of its options is offered" {
	for command in $(bindgate help | sed -n 's/^  bindgate \([a-z-]*\) .*/\1/p'); do
		equal "$command" "$(in_bash bindgate "$command" | grep -x -- "$command")" "$command"
		for option in $(bindgate help "$command" | grep -o '^  --[a-z-]*') --json --verbose; do
			equal "$command $option" "$(in_bash bindgate "$command" "$option")" "$option"
		done
	done
}

@test "fish completes the same, and says what each is" {
	mkdir "$CG/shop"
	bindgate attach --label 'the shop' "$CG" 80 443/tcp
	equal command "$(in_fish 'bindgate att')" attach
	equal value "$(in_fish 'bindgate attach --default d')" deny
	equal gate "$(in_fish 'bindgate detach /')" "$NAME"
	equal rule "$(in_fish "bindgate remove $NAME 4")" 443/tcp
	equal cgroup "$(in_fish "bindgate attach $NAME/s")" "$NAME/shop/"
	in_fish 'bindgate run --user nobod' | grep -qx nobody
	in_fish 'bindgate run 80 -- setpri' | grep -qx setpriv
}

@test "zsh completes the same" {
	mkdir "$CG/shop"
	bindgate attach "$CG" 80 443/tcp
	in_zsh 'bindgate att' 'bindgate attach '
	in_zsh 'bindgate attach --default d' '--default deny '
	in_zsh 'bindgate learn un' 'bindgate learn unit:'
	in_zsh 'bindgate detach ' "bindgate detach $NAME "
	in_zsh "bindgate remove $NAME 4" "$NAME 443/tcp "
	in_zsh "bindgate attach $NAME/s" "$NAME/shop/"
	in_zsh 'bindgate run --user nobod' '--user nobody '
	in_zsh "bindgate apply $TREE/Makef" "$TREE/Makefile "
}
