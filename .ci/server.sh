# Proves that the server answers as a Redis does, where there is one to compare with, and that Redis's
# own clients get along with it.
source "$(dirname "$0")/setup.sh"
command -v redis-server >/dev/null || echo "note: no redis-server to compare with"
cargo test -p memory-cache-server --features tls

# redis-py, and Redis's compatibility cases where they are at hand: those that pass go on to.
command -v python3 >/dev/null || { echo "note: no python3 for redis-py"; exit 0; }
environment=target/python
if ! "$environment/bin/python" -c "import redis" 2>/dev/null; then
    python3 -m venv "$environment" && "$environment/bin/pip" -q install redis
fi
cargo build -p memory-cache-server --features tls
ready="$(mktemp)"
target/debug/memory-cache-server --port 0 >"$ready" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -f "$ready"' EXIT
until port="$(grep -oP '127\.0\.0\.1:\K[0-9]+' "$ready")"; do
    kill -0 "$server"
    sleep 0.1
done
"$environment/bin/python" server/tests/redis_py.py "$port"
cases=../shared/redis-compat/run.py
[[ -e $cases ]] || exit 0
expected=160
passed="$({ "$environment/bin/python" "$cases" "127.0.0.1:$port" --show 0 || true; } | grep -oP 'passed \K[0-9]+')"
echo "$passed compatibility cases pass, $expected did"
((passed >= expected))
