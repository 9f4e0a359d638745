# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for lxdsoak-coord(1). A test holds the options against the program's table.

_lxdsoak_coord()
{
        local cur prev words cword command=run
        local run="--hosts --key --known-agents --connect-timeout --lease --wait --steal --project
                --total --duration --parallel --mode --min-free --keep
                --image --source --exec --stop --stop-timeout --phases --deadline --probe-timeout --on-wedge
                --allow-daemon-restart --allow-leak --steady-share --evidence-limit --threshold --prefix --seed
                --run-dir --textfile --json --quiet --verbose --help --version"
        local cleanup="--hosts --key --known-agents --connect-timeout --project --run --dry-run
                --json --quiet --verbose --help --version"
        local resume="--key --known-agents --connect-timeout --wait --steal --textfile --json --quiet --verbose
                --help --version"
        local status="--hosts --key --known-agents --connect-timeout --json --verbose
                --help --version"
        local stop="--hosts --key --known-agents --connect-timeout --run --verbose --help --version"
        local evidence="--hosts --key --known-agents --connect-timeout --run-dir --quiet --verbose
                --help --version"
        local keygen="--show --help --version"

        _init_completion -n = || return
        case "${words[1]}" in
        run | resume | status | stop | cleanup | evidence | keygen) ((cword > 1)) && command=${words[1]} ;;
        esac
        case "$prev" in
        --key | --known-agents) _filedir; return ;;
        --run-dir) _filedir -d; return ;;
        --textfile) _filedir; return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W "churn density" -- "$cur"); return ;;
        --stop) mapfile -t COMPREPLY < <(compgen -W "clean force" -- "$cur"); return ;;
        --source) mapfile -t COMPREPLY < <(compgen -W "image copy" -- "$cur"); return ;;
        --on-wedge) mapfile -t COMPREPLY < <(compgen -W "recover continue stop" -- "$cur"); return ;;
        --hosts) _known_hosts_real -- "$cur"; return ;;
        --*) [[ $prev =~ ^--(keep|wait|steal|allow-daemon-restart|json|quiet|verbose|dry-run|show)$ ]] || return ;;
        esac
        case "$command" in
        keygen)
                if [[ $cur == -* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$keygen" -- "$cur")
                else
                        _filedir
                fi ;;
        cleanup) mapfile -t COMPREPLY < <(compgen -W "$cleanup" -- "$cur") ;;
        status) mapfile -t COMPREPLY < <(compgen -W "$status" -- "$cur") ;;
        stop) mapfile -t COMPREPLY < <(compgen -W "$stop" -- "$cur") ;;
        evidence | resume)
                [[ $command == evidence ]] || evidence=$resume
                if [[ $cur == -* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$evidence" -- "$cur")
                else
                        _filedir -d
                fi ;;
        run) mapfile -t COMPREPLY < <(compgen -W "$run" -- "$cur") ;;
        esac
        if ((cword == 1)) && [[ $cur != -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "run resume status stop cleanup evidence keygen" -- "$cur")
        fi
} &&
        complete -F _lxdsoak_coord lxdsoak-coord
