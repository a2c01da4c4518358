# Proves that the code is formatted as rustfmt does it.
source "$(dirname "$0")/setup.sh"
need_component rustfmt
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
