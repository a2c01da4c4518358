# Proves the protocols: every interleaving of the models, and that each known wrong way is caught.
# The second run is of the epochs, for which the first one has a stand-in; the third of the server's
# clients that wait.
source "$(dirname "$0")/setup.sh"
# What is proved does not depend on link-time optimization, which takes longer than it saves.
export CARGO_PROFILE_RELEASE_LTO=off
RUSTFLAGS="--cfg pool_loom" \
    cargo test --release --lib --target-dir target/loom loom -- --test-threads=2
RUSTFLAGS="--cfg pool_loom --cfg pool_epochs" \
    cargo test --release --lib --target-dir target/pool_epochs reclaim:: -- --test-threads=2
RUSTFLAGS="--cfg server_loom" \
    cargo test --release -p memory-cache-server --lib --target-dir target/server_loom loom -- --test-threads=2
