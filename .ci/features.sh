# Proves that the tests pass with every feature.
source "$(dirname "$0")/setup.sh"
cargo test --all-features --lib
