# Proves that clippy has nothing to say, with and without features, under the models too.
source "$(dirname "$0")/setup.sh"
need_component clippy
cargo clippy --workspace --all-targets -- -D warnings
cargo clippy --all-targets --all-features -- -D warnings
RUSTFLAGS="--cfg pool_loom" cargo clippy --lib --tests --profile test --target-dir target/loom -- -D warnings
cargo clippy --manifest-path fuzz/Cargo.toml -- -D warnings
