#!/bin/sh
# What leaves libsluice_acs, and what it needs: its own symbols, and the C++ run-time.
#     check_library.sh LIBRARY HEADER
set -eu
library=$1 header=$2

foreign=$(nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' |
    grep -v -e '^sluice_[a-z_]*$' -e '^SLUICE_ACS_1$' || true)
[ -z "$foreign" ] || { echo "symbols that should not leave: $foreign" >&2; exit 1; }

for name in $(sed -n 's/^SLUICE_API .*[ *]\(sluice_[a-z_]*\)(.*/\1/p' "$header"); do
    nm -D --defined-only "$library" | grep -q " T $name@@SLUICE_ACS_1$" ||
        { echo "$name is declared and not there" >&2; exit 1; }
done

needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for each in $needed; do
    case $each in
        libstdc++.so.6 | libm.so.6 | libgcc_s.so.1 | libc.so.6 | ld-linux*) ;;
        *) echo "links $each" >&2; exit 1 ;;
    esac
done
readelf -d "$library" | grep -q 'SONAME.*libsluice_acs.so.1' || { echo "no soname" >&2; exit 1; }
echo "$(nm -D --defined-only "$library" | grep -c ' T sluice_') functions; needs" $needed
