# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion of bindgate's command line. bindgate itself knows what may stand where.

_bindgate() {
	local words=("${COMP_WORDS[@]:0:COMP_CWORD+1}") word candidate line

	# ":" and "=" part words for readline; not for bindgate
	! declare -F _get_comp_words_by_ref >/dev/null || {
		local cword
		_get_comp_words_by_ref -n := words cword
		words=("${words[@]:0:cword+1}")
	}
	word=${words[-1]}
	COMPREPLY=()
	while IFS=$'\t' read -r candidate _; do
		case $candidate in
		:files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
		:directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
		:users) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
		:programs) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
		*)
			printf -v line %q "$candidate"
			COMPREPLY+=("$line")
			;;
		esac
	done < <(bindgate complete "${words[@]:1}" 2>/dev/null)
	case ${COMPREPLY[0]} in */ | *:) compopt -o nospace 2>/dev/null ;; esac
	! declare -F __ltrim_colon_completions >/dev/null || __ltrim_colon_completions "$word"
}
complete -F _bindgate bindgate
