# Proves, on the runs that it makes, that there is no undefined behaviour: tree borrows, data
# races, use after free. crossbeam-epoch makes pointers of integers, and keeps what it has not
# collected at the end; hence permissive provenance and ignored leaks. Modules without unsafe code
# are left out, for time.
source "$(dirname "$0")/setup.sh"
need_nightly miri rust-src
export MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-ignore-leaks -Zmiri-permissive-provenance -Zmiri-disable-isolation"
cargo +"$NIGHTLY" miri test --target-dir target/miri --lib -- --skip value:: --skip glob::
cargo +"$NIGHTLY" miri test --target-dir target/miri --test oracle --test linearizability --test stress --test allocation
