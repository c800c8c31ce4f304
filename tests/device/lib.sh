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
