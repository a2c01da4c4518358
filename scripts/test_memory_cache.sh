#!/usr/bin/env bash
# Builds the Python package's wheel, installs it into a fresh virtual environment, and runs all that
# tests it there: pytest with the type checkers and the README's examples, the example, and the benchmarks
# briefly.
#
#   scripts/test_memory_cache.sh            with python3
#   PYTHON=python3.13 scripts/test_memory_cache.sh

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python="${PYTHON:-python3}"
if ! command -v "$python" >/dev/null; then
    echo "there is no $python: install CPython 3.9 or later" >&2
    exit 1
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || {
    echo "$python is $("$python" --version), and 3.9 is the oldest that is supported" >&2
    exit 1
}

work="$PWD/target/python"
rm -rf "$work/environment" "$work/wheels"
mkdir -p "$work/wheels"
"$python" -m venv "$work/environment" || {
    echo "$python cannot make a virtual environment: install its venv module" >&2
    exit 1
}
python="$work/environment/bin/python"

"$python" -m pip install --quiet -r python/requirements-test.txt
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" ./python
"$python" -m pip install --quiet --no-index --no-deps "$work"/wheels/*.whl

# From another directory, so that the installed package is tested and not the sources.
root="$PWD"
cd "$work"
"$python" -m pytest "$root/python/tests" --override-ini cache_dir="$work/pytest" "$@"
"$python" "$root/examples/memory_cache_trading_example.py" --ticks 40000
"$python" "$root/examples/memory_cache_trading_example.py" --generated --ticks 20000
"$python" "$root/python/benchmarks/compare.py" --test
