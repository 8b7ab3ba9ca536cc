#!/usr/bin/env bash
# Usage: sysroot.sh ARCHITECTURE FOLDER
# Unpacks the few Debian packages of another architecture that the agent links, without making the
# machine multi-arch: apt works on lists and a status file of its own below FOLDER.
set -euo pipefail
architecture=$1 folder=$2
packages=(libssl-dev libssl3 libcrypto++-dev zlib1g)

# What an earlier run unpacked is enough if it is what this one wants.
[ "$(cat "$folder/complete" 2>/dev/null)" != "${packages[*]}" ] || exit 0
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/debs"
folder=$(cd "$folder" && pwd)
: >"$folder/apt/status"
apt_other() {
    apt-get -q -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
        -o Dir::State="$folder/apt" -o Dir::State::status="$folder/apt/status" \
        -o Dir::Cache="$folder/apt/cache" -o APT::Sandbox::User=root "$@"
}
echo "== fetching ${packages[*]} for $architecture into $folder"
apt_other update
(cd "$folder/debs" && apt_other download "${packages[@]}")
for deb in "$folder"/debs/*.deb; do dpkg-deb -x "$deb" "$folder"; done
rm -rf "$folder/apt" "$folder/debs"
echo "${packages[*]}" >"$folder/complete"
