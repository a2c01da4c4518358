# Proves that README's own commands do what README says.
source "$(dirname "$0")/setup.sh"
cargo test
