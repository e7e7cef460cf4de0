# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion of bindgate's command line: commands, options, live gates, cgroups.

_bindgate_gates() {
	bindgate list --json 2>/dev/null | sed -n 's/^ *"cgroup": "\(.*\)",$/\1/p'
}

# Paths below the cgroup v2 mount, a level at a time.
_bindgate_cgroups() { # WORD
	local root
	root=$(bindgate probe --json 2>/dev/null | sed -n 's/.*"cgroup2_path": "\(.*\)".*/\1/p')
	[ -n "$root" ] || return
	if [[ $1 == "$root"* ]]; then
		compgen -d -S / -- "$1"
	else
		compgen -d -S / -- "$root/${1#/}" | sed "s|^$root||"
	fi
}

_bindgate() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words=
	local commands='attach add remove detach list maps watch explain learn run apply export oci-hook probe version help'

	COMPREPLY=()
	case $previous in
	--default) words='pass deny' ;;
	--netns) words='any host' ;;
	--verdict) words='pass allow rewrite deny' ;;
	--user) mapfile -t COMPREPLY < <(compgen -u -- "$word") && return ;;
	maps) words=dump ;;
	help) words=$commands ;;
	esac
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="$commands --json --pin-dir --version --help"
	elif [ -z "$words" ] && [[ $word == -* ]]; then
		words='--json --pin-dir --help'
		case $command in
		attach) words+=' --default --netns --audit --label' ;;
		run) words+=' --default --netns --audit --label --user' ;;
		detach) words+=' --all' ;;
		watch) words+=' --verdict --port --count' ;;
		learn) words+=' --for --yaml' ;;
		apply) words+=' --dry-run --adopt' ;;
		oci-hook) words+=' --config --required' ;;
		esac
	fi
	if [ -n "$words" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		return
	fi
	case $command in
	add | remove | detach | list | maps | watch)
		mapfile -t COMPREPLY < <(compgen -W "$(_bindgate_gates)" -- "$word")
		;;
	attach | explain | learn)
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <({
			compgen -W "$(_bindgate_gates) self" -- "$word"
			_bindgate_cgroups "$word"
		} | sort -u)
		;;
	apply)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	esac
}
complete -F _bindgate bindgate
