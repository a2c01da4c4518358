# Proves that the server answers as a Redis does, where there is one to compare with, and that Redis's
# own clients get along with it.
source "$(dirname "$0")/setup.sh"
command -v redis-server >/dev/null || echo "note: no redis-server to compare with"
cargo test -p memory-cache-server
