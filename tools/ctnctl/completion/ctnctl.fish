# SPDX-License-Identifier: GPL-2.0-only
#
# What fish completes for ctnctl: what "ctnctl complete" says, to this file as to those of
# bash and zsh.

function __ctnctl_complete
    set -l token (commandline -ct)
    set -l before (commandline -opc)
    set -l plain (string unescape -- "$token" 2>/dev/null)
    or set plain "$token"
    set -l records (ctnctl complete $before[2..-1] "$plain" 2>/dev/null | string split0)

    switch "$records[1]"
        case files
            __fish_complete_path "$token"
        case directories
            __fish_complete_directories "$token" ''
        case programs
            if string match -q '*/*' -- "$token"
                __fish_complete_path "$token"
            else
                # ctnctl runs no functions
                for line in (__fish_complete_command)
                    command -q (string split -m 1 \t -- $line)[1]
                    and echo $line
                end
            end
    end
    set -e records[1]
    while set -q records[2]
        set -l word $records[1]
        # fish has a line for each: a name that breaks it comes as ctnctl prints it
        if string match -qr '[\n\t]' -- $word
            set word (string replace -a '\\' '\\x5c' -- $word |
                string collect | string replace -a \t '\\x09' |
                string collect | string split \n | string join '\\x0a')
        end
        printf '%s\t%s\n' $word $records[2]
        set -e records[1..2]
    end
end

complete -c ctnctl -f -a '(__ctnctl_complete)'
