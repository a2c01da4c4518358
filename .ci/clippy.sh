# Proves that clippy has nothing to say, with and without features.
source "$(dirname "$0")/setup.sh"
need_component clippy
cargo clippy --workspace --all-targets -- -D warnings
cargo clippy --all-targets --all-features -- -D warnings
cargo clippy --manifest-path fuzz/Cargo.toml -- -D warnings
