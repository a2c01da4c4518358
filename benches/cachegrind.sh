#!/usr/bin/env bash
# Instructions and last-level misses per operation, the fill subtracted: 30,000 keys, 3,000,000
# operations, a last-level cache of 1 MiB (this is the machine's L2, the level that is its own).
#
# benches/cachegrind.sh [CONTENDER...]
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet -p memory-cache-pool-benches --bin cachegrind
binary="${CARGO_TARGET_DIR:-target}/release/cachegrind"
ops=3000000
count() {
    valgrind --tool=cachegrind --cache-sim=yes --LL=1048576,16,64 --cachegrind-out-file=/dev/null \
        "$binary" "$1" "$2" 30000 "$ops" 2>&1 |
        awk '/I +refs:/ { gsub(",", ""); print $4 } /LL misses:/ { gsub(",", ""); print $4 }'
}
(($#)) || set -- pool papaya dashmap hashbrown
for contender in "$@"; do
    # shellcheck disable=SC2046
    set -- $(count "$contender" fill) $(count "$contender" get) $(count "$contender" set)
    awk -v name="$contender" -v ops="$ops" -v i0="$1" -v m0="$2" -v i1="$3" -v m1="$4" \
        -v i2="$5" -v m2="$6" 'BEGIN {
            printf "%-10s GET %6.1f instructions %5.2f misses   SET %6.1f instructions %5.2f misses\n",
                name, (i1 - i0) / ops, (m1 - m0) / ops, (i2 - i0) / ops, (m2 - m0) / ops }'
done
