# Proves, on the runs that it makes, that there is no undefined behaviour: tree borrows, data
# races, use after free. Modules without unsafe code are left out, for time.
source "$(dirname "$0")/setup.sh"
need_nightly miri rust-src
export MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-strict-provenance -Zmiri-disable-isolation"
cargo +"$NIGHTLY" miri test --target-dir target/miri --lib -- --skip value:: --skip glob::
cargo +"$NIGHTLY" miri test --target-dir target/miri --test oracle --test linearizability --test stress --test resizing --test allocation
