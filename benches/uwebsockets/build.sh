#!/bin/sh
# Builds the uWebSockets echo server as DIRECTORY/uwebsockets-echo. The Rust registry's package
# libuwebsockets-sys carries the C++ sources; of that package nothing else is used. Needs a C and a C++ compiler.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/src"
cd "$1"
cat > Cargo.toml <<'MANIFEST'
[package]
name = "sources"
[dependencies]
libuwebsockets-sys = "=0.0.10"
[workspace]
MANIFEST
: > src/lib.rs
"${CARGO:-cargo}" vendor --quiet > /dev/null

sources=vendor/libuwebsockets-sys/uWebSockets
flags="-O3 -flto -DLIBUS_NO_SSL -DUWS_NO_ZLIB -I$sources/uSockets/src"
objects=
for unit in bsd context loop socket udp eventing/epoll_kqueue; do
    object=$(basename "$unit").o
    ${CC:-cc} $flags -std=c11 -c "$sources/uSockets/src/$unit.c" -o "$object"
    objects="$objects $object"
done
${CXX:-c++} $flags -std=c++20 -I"$sources/src" "$here/server.cpp" $objects -o uwebsockets-echo
