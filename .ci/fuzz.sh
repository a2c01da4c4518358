# Proves that some seconds of random input find nothing. FUZZ_SECONDS a target.
source "$(dirname "$0")/setup.sh"
need_nightly
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
cargo +"$NIGHTLY" fuzz build
# Two at a time; of what both print, what is left is whole lines.
cargo +"$NIGHTLY" fuzz list |
    xargs -P 2 -I '{}' cargo +"$NIGHTLY" fuzz run '{}' -- -max_total_time="${FUZZ_SECONDS:-10}"
