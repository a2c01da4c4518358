# Proves that the library builds with the Rust that Cargo.toml asks for, when there is a toolchain.
source "$(dirname "$0")/setup.sh"
version="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
toolchain="$(rustup toolchain list | grep -oE "^$version[^ ]*" | head -1 || true)"
if [[ -z $toolchain ]]; then
    echo "note: not run, there is no toolchain $version here"
    exit 0
fi
cargo +"$toolchain" check --lib --target-dir target/msrv
