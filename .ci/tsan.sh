# Proves, on the runs that it makes, that every access is ordered: the tests of several threads
# under ThreadSanitizer, with a standard library built for it.
source "$(dirname "$0")/setup.sh"
need_nightly rust-src
export RUSTFLAGS="-Zsanitizer=thread --cfg pool_tsan"
cargo +"$NIGHTLY" test -Zbuild-std --target x86_64-unknown-linux-gnu --target-dir target/tsan \
    --test stress --test linearizability --test resizing --test expiry
