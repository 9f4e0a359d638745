# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for lxdsoak-report(1). A test holds the options against the program's tables.

_lxdsoak_report()
{
        local cur prev words cword command=show
        local show="--dir --journal --directory --file --stream --json --verbose --html --follow --help --version"
        local list="--dir --journal --directory --file --stream --json --help --version"
        local compare="--dir --journal --directory --file --stream --baseline --slower --json --help --version"
        local trend="--csv --t --value --floor --warm-up --exit-code --json --help --version"
        local export="--dir --journal --directory --file --stream --csv --junit --openmetrics --hgrm
                --help --version"

        _init_completion -n = || return
        case "${words[1]}" in
        show | list | compare | trend | export) ((cword > 1)) && command=${words[1]} ;;
        esac
        case "$prev" in
        --dir | --directory | --hgrm) _filedir -d; return ;;
        --file) _filedir journal; return ;;
        --stream | --csv | --junit | --openmetrics) _filedir; return ;;
        --html) _filedir html; return ;;
        esac
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "${!command}" -- "$cur")
                return
        fi
        _filedir -d
        if ((cword == 1)); then
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "show list compare trend export last" -- "$cur")
        fi
} &&
        complete -F _lxdsoak_report lxdsoak-report
