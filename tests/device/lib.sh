# shellcheck shell=bash
# Sourced by what builds for bare metal: the compiler and the linker. Sets `cargo_build` and `linker`.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# use_targets TRIPLE...: rustup's where they are installed, else Debian's compiler, which builds Rust's core from its
# source, else rustup is asked for them.
use_targets() {
    if targets_installed "$@"; then
        :
    elif (apt_install rustc-web rust-web-src); then
        # build-std is not stable; this variable lets a stable compiler take it.
        export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
        build_std=(-Zbuild-std=core)
    else
        timeout 300 rustup target add "$@" || fail "no compiler for $*"
    fi
    need ld.lld lld
    linker=$(command -v ld.lld)
    local triple
    for triple in "$@"; do
        triple=${triple//-/_}
        export "CARGO_TARGET_${triple^^}_LINKER=$linker"
    done
}
targets_installed() {
    local triple
    for triple in "$@"; do
        ls "$(rustc --print sysroot)/lib/rustlib/$triple/lib/"libcore-* >/dev/null 2>&1 || return 1
    done
}
build_std=()

# bare_metal COMMAND [ARGUMENT...]: cargo, with what the chosen compiler needs, in a target folder of its own: two
# compilers in one would build everything again and again, and two stages would wait for each other.
built=$work/${built_in:-bare-metal}
bare_metal() { CARGO_TARGET_DIR=$built cargo "$1" "${build_std[@]}" --locked "${@:2}"; }

here=$root/tests/device

# firmware NAME: its ELF file.
firmware() { echo "$built/thumbv7m-none-eabi/release/$1"; }

# The emulator, and the decoder of what the firmware logs; sets $defmt_print.
install_emulator() {
    need qemu-system-arm
    local folder=$work/firmware/tools
    # shellcheck disable=SC2034  # for the caller
    defmt_print=$folder/bin/defmt-print
    once "$folder" "$here/tools.txt" -- make_tools "$folder"
}
make_tools() {
    need cargo
    local tool
    while read -r tool; do
        # Not with the compiler for bare metal, nor its flags.
        (cd "$root" && env -u RUSTC -u RUSTC_BOOTSTRAP cargo install --debug --locked --root "$1" --target-dir "$1/target" "$tool") || return 1
    done <"$here/tools.txt"
    rm -rf "$1/target"
}

# boot NAME LOG: boots the firmware of a server and waits until it listens; sets $port, of the host's, and $emulator.
boot() {
    port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$here/emulate" -f "$port" "$1" >"$2" &
    emulator=$!
    at_exit end_process "$emulator"
    # A SYN that comes before the firmware listens is lost, and repeated seconds later.
    for _ in {1..300}; do
        grep -q ' up: ' "$2" && return
        kill -0 "$emulator" 2>/dev/null || break
        sleep 0.1
    done
    cat "$2"
    fail "$1 does not listen"
}

# sizes_of TARGET NAME...: what each program takes, in one line: flash, and RAM that is there before the stack.
sizes_of() {
    local name between=
    for name in "${@:2}"; do
        llvm-size "$built/$1/release/$name" | awk -v name="$between$name" '
            NR == 2 { printf "%s: %d bytes of flash, %d of static RAM", name, $1 + $2, $2 + $3 }'
        between='; '
    done
    echo
}
