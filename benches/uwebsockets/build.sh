#!/bin/sh
# Builds the uWebSockets echo server as DIRECTORY/uwebsockets-echo; if the second argument is tls, as
# DIRECTORY/uwebsockets-echo-tls over OpenSSL, and if it is deflate, as DIRECTORY/uwebsockets-echo-deflate with the
# system's zlib. The Rust registry's package libuwebsockets-sys carries the C++ sources; of that package nothing else is
# used. Needs a C and a C++ compiler.
# shellcheck disable=SC2086  # flags are words
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
tls=-DLIBUS_NO_SSL
zlib=-DUWS_NO_ZLIB
name=uwebsockets-echo
libraries=
case ${2:-} in
tls)
    tls=-DLIBUS_USE_OPENSSL
    name=uwebsockets-echo-tls
    libraries="-lssl -lcrypto"
    ;;
deflate)
    zlib=
    name=uwebsockets-echo-deflate
    libraries=-lz
    ;;
esac
flags="-O3 -flto $tls $zlib -I$sources/uSockets/src"
objects=
for unit in bsd context loop socket udp eventing/epoll_kqueue crypto/openssl; do
    object=$(basename "$unit").o
    ${CC:-cc} $flags -std=c11 -c "$sources/uSockets/src/$unit.c" -o "$object"
    objects="$objects $object"
done
if [ "${2:-}" = tls ]; then
    ${CXX:-c++} $flags -std=c++20 -c "$sources/uSockets/src/crypto/sni_tree.cpp" -o sni_tree.o
    objects="$objects sni_tree.o"
fi
${CXX:-c++} $flags -std=c++20 -I"$sources/src" "$here/server.cpp" $objects $libraries -o "$name"
