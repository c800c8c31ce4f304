# shellcheck shell=bash
# Sourced by every stage: where things are, how a tool is installed, how the echo server is started and ended.
#
# What a stage writes after a line `---` is its result: tests/run repeats it on the terminal, the rest stays in
# the log. A stage that cannot install what it needs fails; there is no skipping.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
work=$target/tests # everything that a stage installs or writes
mkdir -p "$work"
export PYTHONPATH=$root/tests
# Nobody edits between the stages or steps through what they build: compiled without what that would need, it is
# there sooner.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0} CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-false}

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Commands to run, last first, when the stage ends, however it ends.
endings=()
at_exit() { endings=("$*" "${endings[@]}"); }
run_endings() {
    local ending
    for ending in "${endings[@]}"; do eval "$ending" || true; done
}
forget_endings() { endings=(); }
trap run_endings EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# end_process PID: asks, waits five seconds, insists.
end_process() {
    kill "$1" 2>/dev/null || return 0
    for _ in {1..50}; do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# apt_install PACKAGE...: those that are missing.
apt_install() {
    local package missing=() sudo=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || fail "needs ${missing[*]}, and there is no apt-get to install it with"
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    export DEBIAN_FRONTEND=noninteractive
    # One at a time: apt-get does not wait for another of its kind by itself.
    local lock apt=("${sudo[@]}" apt-get -q -o DPkg::Lock::Timeout=600)
    exec {lock}>"$work/apt.lock"
    flock "$lock"
    "${apt[@]}" update {lock}>&- || fail 'apt-get update failed'
    "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" {lock}>&- || fail "could not install ${missing[*]}"
    exec {lock}>&-
}

# need COMMAND [PACKAGE]: the command, or the Debian package that brings it.
need() {
    command -v "$1" >/dev/null || apt_install "${2:-$1}"
    # Cargo links with the help of a C compiler, which rustup does not bring.
    [ "$1" != cargo ] || command -v cc >/dev/null || apt_install gcc libc6-dev
}

# expect WHAT COMMAND...: notes whether it passes, and what it left in $said.
passed=0 failed=0 table=
expect() {
    local result=FAILED
    said=
    echo "== $1"
    if "${@:2}"; then
        result=passed
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    table+="$result   $1${said:+: $said}"$'\n'
}
# results: what came of all that was expected, as a stage tells it.
results() {
    echo ---
    printf '%s' "$table"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# features_of FOLDER: the features that the manifest of the package there lists, without the default one.
features_of() { sed -nE '/^\[features\]/,/^\[dep/s/^([a-z0-9-]+) = .*/\1/p' "$root/$1/Cargo.toml" | grep -vx default; }

# The arguments that choose the tests of core: those that need no feature `host`.
# shellcheck disable=SC2034  # for the stages
core_tests=(-p microws-tests --no-default-features --tests)

# once FOLDER FILE... -- COMMAND...: makes the folder anew with the command unless that was done before
# with the same files; two stages that run at once do not disturb each other.
once() {
    local folder=$1 files=() key lock
    shift
    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    mkdir -p "$(dirname "$folder")"
    exec {lock}>"$folder.lock"
    flock "$lock"
    key=$(cat "${files[@]}" | sha256sum)
    if [ "$(cat "$folder/.made-from" 2>/dev/null)" != "$key" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        "$@" {lock}>&- || fail "could not make $folder"
        echo "$key" >"$folder/.made-from"
    fi
    exec {lock}>&-
}

# python_env FOLDER: a virtualenv with exactly what FOLDER/requirements.txt pins; sets $python.
python_env() {
    local folder
    folder=$work/$(basename "$1")/python
    # shellcheck disable=SC2034  # for the caller
    python=$folder/bin/python
    need python3
    # Debian keeps what venv needs in a package of its own.
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    once "$folder" "$1/requirements.txt" -- make_python_env "$folder" "$1/requirements.txt"
}
make_python_env() {
    python3 -m venv "$1" && "$1/bin/python" -m pip install -q --disable-pip-version-check -r "$2"
}

# node_env FOLDER: what FOLDER/package-lock.json pins, Node.js itself included, so that the one on PATH matters
# only to npm; sets $node, which finds the modules.
node_env() {
    local folder
    folder=$work/$(basename "$1")/node
    need npm
    once "$folder" "$1/package.json" "$1/package-lock.json" -- make_node_env "$folder" "$1"
    node=$(echo "$folder"/node_modules/node-linux-*/bin/node)
    [ -x "$node" ] || fail "no pinned Node.js for $(uname -m)"
    export NODE_PATH=$folder/node_modules
}
make_node_env() {
    cp "$2/package.json" "$2/package-lock.json" "$1" &&
        npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts
}

# find_chromium: Debian's, unless CHROMIUM names another; sets $chromium.
find_chromium() {
    [ -n "${CHROMIUM:-}" ] || need chromium
    # shellcheck disable=SC2034  # for the caller
    chromium=${CHROMIUM:-$(command -v chromium)}
}

# The echo server as it is released, or whatever MICROWS_ECHO names.
build_echo_server() {
    echo_binary=${MICROWS_ECHO:-}
    [ -n "$echo_binary" ] && return
    need cargo
    (cd "$root" && cargo build --release --locked -p microws-host --bin microws-echo)
    echo_binary=$target/release/microws-echo
}
