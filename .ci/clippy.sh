# Proves that clippy has nothing to say, with and without features.
source "$(dirname "$0")/setup.sh"
need_component clippy
# PyO3 asks a python3 which interface it has; without one the Python package cannot be looked at.
cargo clippy --workspace --all-targets -- -D warnings
cargo clippy --all-targets --all-features -- -D warnings
cargo clippy -p memory-cache-server --all-targets --all-features -- -D warnings
# As cargo-fuzz compiles it: what only fuzzing may see is there.
RUSTFLAGS="--cfg fuzzing" cargo clippy --manifest-path fuzz/Cargo.toml --target-dir target/clippy-fuzz -- -D warnings
