#!/bin/sh
# Installs libsluice_acs and builds the example against it as a stranger would: once by CMake's
# find_package, once by pkg-config; and runs both.
#     check_package.sh BUILD SOURCE
set -eu
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
example=$source/acs-plugin/c_api/examples

cmake --install "$build" --component sluice_acs --prefix "$work/prefix" >"$work/log"
headers=$(cd "$work/prefix/include" && find . -type f)
[ "$headers" = ./sluice/acs_planner.h ] || { echo "headers: $headers" >&2; exit 1; }

cmake -G Ninja -S "$source/tests/c_api/package" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DEXAMPLE="$example/tiny_acs.c" >>"$work/log"
cmake --build "$work/build" >>"$work/log" || { cat "$work/log" >&2; exit 1; }
"$work/build/tiny_acs" "$example/gw3-4.2.1.manifest.json" | tail -n 1

pc=$(dirname "$(find "$work/prefix" -name sluice_acs.pc)")
# The prefix in the file is the one configured; an install elsewhere moves it.
flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-prefix --cflags --libs sluice_acs)
# shellcheck disable=SC2086
cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$example/tiny_acs.c" $flags -o "$work/tiny_acs"
LD_LIBRARY_PATH=$(dirname "$pc") "$work/tiny_acs" "$example/gw3-4.2.1.manifest.json" | tail -n 1
