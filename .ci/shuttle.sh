# Proves, on interleavings drawn at random, that the whole table holds with three threads, and that
# known wrong ways are found. SHUTTLE_ITERATIONS a model and scheduler.
source "$(dirname "$0")/setup.sh"
# What is proved does not depend on link-time optimization, which takes longer than it saves.
export CARGO_PROFILE_RELEASE_LTO=off
export RUSTFLAGS="--cfg pool_loom --cfg pool_epochs --cfg pool_shuttle"
cargo test --release --lib --target-dir target/shuttle table::shuttle -- --test-threads=2
