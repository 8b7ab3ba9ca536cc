#!/bin/sh
# SLUICE-IAD-MIB is good SMIv2: smilint at its strictest says nothing.
set -eu
modules=$1/mib/node_modules/net-snmp/lib/mibs
command -v smilint >/dev/null || { echo "skipped: no smilint"; exit 77; }
[ -d "$modules" ] || { echo "skipped: no $modules (npm)"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for module in "$modules"/SNMPv2-*.mib; do
    cp "$module" "$folder/$(basename "$module" .mib)"
done
said=$(SMIPATH=$folder smilint -l 6 "$2" 2>&1) || true
[ -z "$said" ] || { echo "$said"; exit 1; }
echo "smilint -l 6: nothing to say"
