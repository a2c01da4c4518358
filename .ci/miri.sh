# Proves, on the runs that it makes, that there is no undefined behaviour: tree borrows, data
# races, use after free. What has no unsafe code is left out, for time, and what takes minutes:
# policies, packed values and trees, chains of a hundred records, a clock asked 300,000 times,
# and the stress of several threads, which .ci/deep runs with many seeds.
source "$(dirname "$0")/setup.sh"
need_nightly miri rust-src
export MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-strict-provenance -Zmiri-disable-isolation"
cargo +"$NIGHTLY" miri test --target-dir target/miri --lib -- \
    --skip value:: --skip glob:: --skip evict::tests --skip evict::pace --skip evict::usage --skip wheel:: \
    --skip overflow_buckets_come_and_go --skip entries_whose_hashes_are_all_the_same --skip who_asks_all_the_time
cargo +"$NIGHTLY" miri test --target-dir target/miri --test oracle --test linearizability
