# Proves that the main job runs and ends with every check true, and that a bad file is refused.
source "$(dirname "$0")/setup.sh"
cargo run --release --example trading
cargo run --release --example trading -- --generated --json
bad="$(mktemp -d)"
trap 'rm -rf "$bad"' EXIT
printf 'ms,symbol,bid,ask\n1,EURUSD,x,1.1\n' >"$bad/fx_quotes_20140502.csv"
status=0
cargo run --release --example trading -- --data "$bad" || status=$?
((status == 2))
