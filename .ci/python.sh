# Proves that the Python package builds into a wheel, installs into a fresh environment, and passes its
# tests there: commands, values, threads, asyncio, processes, the README's examples, type stubs.
source "$(dirname "$0")/setup.sh"
bash scripts/test_memory_cache.sh
