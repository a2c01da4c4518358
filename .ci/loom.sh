# Proves the protocols: every interleaving of the models, and that each known wrong way is caught.
# The second run puts crossbeam-epoch's own code under the models of reclamation.
source "$(dirname "$0")/setup.sh"
RUSTFLAGS="--cfg pool_loom" \
    cargo test --release --lib --target-dir target/loom loom -- --test-threads=2
RUSTFLAGS="--cfg pool_loom --cfg crossbeam_loom" \
    cargo test --release --lib --target-dir target/crossbeam_loom reclaim::loom -- --test-threads=2
