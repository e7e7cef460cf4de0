# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of bindgate's command line. bindgate itself knows what may stand where.

function __bindgate_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for candidate in (bindgate complete $words[2..-1] "$word" 2>/dev/null)
        switch $candidate
            case :files
                __fish_complete_path "$word"
            case :directories
                __fish_complete_directories "$word"
            case :users
                __fish_complete_users
            case :programs
                __fish_complete_command
            case '*'
                echo $candidate
        end
    end
end

complete -c bindgate -f -a '(__bindgate_complete)'
