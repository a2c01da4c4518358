# Proves that the documentation builds, and that its links lead somewhere.
source "$(dirname "$0")/setup.sh"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
