# Proves that the benchmarks run: each of them once.
source "$(dirname "$0")/setup.sh"
# That they run does not depend on link-time optimization, which takes minutes.
export CARGO_PROFILE_RELEASE_LTO=off
cargo test --release -p memory-cache-pool-benches --benches --bins
cargo test --release -p memory-cache-server --bench load
