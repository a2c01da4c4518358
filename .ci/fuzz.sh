# Proves that some seconds of random input find nothing. FUZZ_SECONDS a target.
source "$(dirname "$0")/setup.sh"
need_nightly
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
cargo +"$NIGHTLY" fuzz build
# Two at a time, since a target runs on one processor.
cargo +"$NIGHTLY" fuzz list |
    xargs -P 2 -I '{}' cargo +"$NIGHTLY" fuzz run '{}' -- -max_total_time="${FUZZ_SECONDS:-10}"
