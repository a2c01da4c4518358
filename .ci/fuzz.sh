# Proves that some seconds of random input find nothing. FUZZ_SECONDS a target.
source "$(dirname "$0")/setup.sh"
need_nightly
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
for target in $(cargo +"$NIGHTLY" fuzz list); do
    cargo +"$NIGHTLY" fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-10}"
done
