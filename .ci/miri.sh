# Proves, on the runs that it makes, that there is no undefined behaviour: tree borrows, data
# races, use after free. What has no unsafe code is left out, for time, and what takes minutes:
# policies, the timeline of ticks, packed values and trees, chains of a hundred records, a clock
# asked 300,000 times, a long list of a whole pool, and the stress of several threads; the last two are
# run by .ci/deep.
source "$(dirname "$0")/setup.sh"
need_nightly miri rust-src
export MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-strict-provenance -Zmiri-disable-isolation"
miri() {
    cargo +"$NIGHTLY" miri test --target-dir target/miri "$@"
}
# Miri runs on one processor, and takes minutes for each of these: two at a time.
miri --lib --test oracle --test linearizability --no-run
miri --lib -- \
    --skip value:: --skip glob:: --skip evict::tests --skip evict::pace --skip evict::usage \
    --skip evict::timeline --skip wheel:: --skip overflow_buckets_come_and_go \
    --skip entries_whose_hashes_are_all_the_same --skip who_asks_all_the_time \
    --skip longer_than_its_ends &
lib=$!
trap 'kill "$lib" 2>/dev/null || true' EXIT
miri --test oracle --test linearizability
wait "$lib"
