#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# setup.sh [--no-soak]
#     Makes this machine ready to soak its LXD: installs packages, builds and
#     installs lxdsoak, sets LXD up where nobody has, makes a small image and the
#     keys, starts the agent, and runs a first soak of 10 units, 4 at a time.
#     Each step looks first; run a second time it changes nothing.
#
# setup.sh demo [--keep] [options of lxdsoak-coord]
#     Needs nothing of this machine but root and a Debian mirror. Boots two
#     throw-away hosts a and b with systemd and a real LXD, installs lxdsoak in
#     them, runs `lxdsoak-coord --hosts a,b --total 200`, or the options given,
#     from a third place, prints the report, and removes it all. Its exit code is
#     the coordinator's. --keep (before any other option) keeps the hosts and
#     says how to enter and remove them.
#
# Must be run as root. Messages go to stderr, the report to stdout.

set -euo pipefail
PROG=setup.sh
top=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/lib.sh
. "$top/tools/lib.sh"

hosts=$top/tests/system/hosts
FIRST_SOAK=(--hosts localhost --total 10 --parallel 4)
DEMO_HOSTS=(a b)
DEMO_TOTAL=200
DEMO_PACKAGES=(systemd-container debootstrap iproute2 procps util-linux)

# ---- this machine ------------------------------------------------------------

lxd_is_here() { command -v lxc >/dev/null; }

install_host_packages() {
    local packages=("${BUILD_PACKAGES[@]}" busybox-static)
    # Whatever LXD is here, of whatever origin, is the one to be soaked.
    lxd_is_here || packages+=(lxd lxd-client)
    install_packages "${packages[@]}"
}

first_soak() {
    local dir status=0
    dir=$(mktemp -d "${TMPDIR:-/tmp}/lxdsoak-first.XXXXXX")
    say "a first soak: lxdsoak-coord ${FIRST_SOAK[*]}"
    lxdsoak-coord "${FIRST_SOAK[@]}" --run-dir "$dir/run" || status=$?
    if [ $status = 0 ]; then
        rm -rf "$dir"
        say "ready: next, for example, lxdsoak-coord --hosts localhost --total 1000"
    else
        say "the first soak did not pass (exit code $status): its record is in $dir/run, the agent's in 'journalctl -u lxdsoak-agent'"
    fi
    return $status
}

setup_host() {
    local soak=yes build
    case ${1:-} in
    '') ;;
    --no-soak) soak=no; shift ;;
    esac
    [ $# = 0 ] || usage_error "what is '$1'?"
    [ -d /run/systemd/system ] ||
        die "systemd does not run this machine, so it cannot run the agent; 'setup.sh demo' brings hosts where it does"
    install_host_packages
    build=$(build_dir "$top")
    say "building in $build"
    build_tree "$top" "$build" -Dtests=false
    install_tree "$build"
    "$top/tools/prepare-host" lxd image users keys listen agent
    [ $soak = no ] || first_soak
}

# ---- two throw-away hosts ------------------------------------------------------

has_option() {
    local wanted=$1 argument
    shift
    for argument; do
        [[ $argument != "$wanted" && $argument != "$wanted="* ]] || return 0
    done
    return 1
}

# demo_options OPTION...: fills `options`: what is given, and what must be.
demo_options() {
    options=("$@")
    has_option --hosts "$@" || options+=(--hosts "$(IFS=,; echo "${DEMO_HOSTS[*]}")")
    has_option --total "$@" || has_option --duration "$@" || options+=(--total "$DEMO_TOTAL")
    has_option --run-dir "$@" || options+=(--run-dir "$state/outside/run")
}

# In the background, so that a signal reaches this script at once; it is handed
# on as an interrupt, which the coordinator answers by draining (and, the second
# time, by giving up).
run_coordinator() {
    local pid status interrupted
    set -m
    "$hosts" outside "$state" -- lxdsoak-coord "$@" &
    pid=$!
    set +m
    trap 'interrupted=yes; kill -INT "$pid" 2>/dev/null || :' INT TERM HUP
    while :; do
        interrupted=no status=0
        wait "$pid" || status=$?
        [ $interrupted = yes ] || break
    done
    trap 'exit 130' INT TERM HUP
    return $status
}

end_demo() {
    if [ "$keep" = yes ] && [ -e "$state/id" ]; then
        say "the hosts stay: enter one with '$hosts shell $state a', run more from outside with"
        say "'$hosts outside $state -- lxdsoak-coord --hosts a,b --total 50', remove all with '$hosts down $state'"
    else
        "$hosts" down "$state"
    fi
}

demo() {
    local build options status=0
    keep=no
    [ "${1:-}" != --keep ] || { keep=yes; shift; }
    install_packages "${BUILD_PACKAGES[@]}" "${DEMO_PACKAGES[@]}"
    build=$(build_dir "$top")
    say "building in $build"
    build_tree "$top" "$build" -Dtests=false

    state=$(mktemp -d /var/tmp/lxdsoak-demo.XXXXXX)
    trap end_demo EXIT
    trap 'exit 130' INT TERM HUP
    say "booting ${DEMO_HOSTS[*]}"
    "$hosts" up "$state" "${DEMO_HOSTS[@]}"
    "$hosts" install "$state" "$build"
    demo_options "$@"
    say "lxdsoak-coord ${options[*]}"
    run_coordinator "${options[@]}" || status=$?
    exit $status
}

main() {
    case ${1:-} in
    --help | -h) show_header "$0"; exit ;;
    esac
    need_root
    case ${1:-} in
    demo) shift; demo "$@" ;;
    *) setup_host "$@" ;;
    esac
}

main "$@"
