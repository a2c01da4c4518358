# Proves that the benchmarks run: each of them once.
source "$(dirname "$0")/setup.sh"
cargo test --release -p memory-cache-pool-benches --benches --bins
cargo test --release -p memory-cache-server --bench load
