# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the shell scripts of this tree share: messages, checks, packages, the
# build. It is sourced, never run, and does nothing by being sourced.

# PROG is the name messages start with.
PROG=${PROG:-${0##*/}}

say() { printf '%s: %s\n' "$PROG" "$*" >&2; }

# die WHAT-WHERE-AND-WHAT-TO-DO, in one line. Exits with $DIE_STATUS (default 1).
die() {
    say "$*"
    exit "${DIE_STATUS:-1}"
}

# usage_error TEXT: EX_USAGE, as the programs do.
usage_error() { DIE_STATUS=64 die "$* (see $PROG --help)"; }

# show_header FILE: the comment block at the top of a script is its --help.
show_header() { sed -n '2,/^$/{s/^# \{0,1\}//;/^SPDX/d;/^shellcheck/d;p}' "$1"; }

need_root() { [ "$(id -u)" = 0 ] || die "this needs root: run it as 'sudo $0'"; }

# need_commands CMD...: all of them, or one line that names the missing ones.
need_commands() {
    local command missing=()
    for command; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    [ ${#missing[@]} = 0 ] || die "not found on this machine: ${missing[*]}; install them and try again"
}

# missing_packages PACKAGE...: those that are not installed, one a line.
missing_packages() {
    local package
    for package; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$package"
    done
}

# install_packages PACKAGE...: only what is missing; touches nothing when nothing is.
install_packages() {
    local missing log
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        die "no apt-get here: install by hand what provides ${missing[*]}"
    say "installing ${missing[*]}"
    log=$(mktemp "${TMPDIR:-/tmp}/lxdsoak-apt.XXXXXX")
    if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
        { grep -m3 '^Err\|^W: Failed' "$log" || :; tail -n 5 "$log"; } >&2
        die "apt-get could not install ${missing[*]}; all it said is in $log"
    fi
    rm -f "$log"
}

# What a machine needs to compile the programs. (The tests need more: tests/run.)
# shellcheck disable=SC2034  # used by the scripts that source this
BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config libsystemd-dev
    libcurl4-openssl-dev libjson-c-dev libzmq3-dev libsqlite3-dev libjs-dygraphs scdoc)

# build_dir SOURCE [VARIANT]: where a checkout is built; outside of it, one for each.
build_dir() {
    printf '%s/build%s-%s\n' "${LXDSOAK_CACHE:-/var/cache/lxdsoak}" "${2:+-$2}" \
        "$(readlink -f "$1" | sha256sum | cut -c1-8)"
}

# build_tree SOURCE BUILD [MESON-OPTION...]: configures BUILD once and compiles it.
# What meson and ninja say goes to BUILD.log, and is shown when they fail.
build_tree() {
    local source=$1 build=$2 log=$2.log
    shift 2
    mkdir -p "$(dirname "$build")"
    if ! {
        # One of an older state of the source may not know an option: begun anew.
        { [ -e "$build/build.ninja" ] && meson configure "$build" "$@"; } ||
            { rm -rf "$build" && meson setup --prefix=/usr "$@" "$build" "$source"; } &&
            ninja -C "$build" ${LXDSOAK_JOBS:+-j"$LXDSOAK_JOBS"}
    } >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        die "the build failed; the whole log is $log"
    fi
}

# install_tree BUILD [DESTDIR]
install_tree() {
    local build=$1 destdir=${2:-}
    DESTDIR=$destdir meson install -C "$build" --no-rebuild --only-changed >"$build.install.log" 2>&1 </dev/null || {
        tail -n 20 "$build.install.log" >&2
        die "meson install into ${destdir:-/} failed; the whole log is $build.install.log"
    }
}
