# Sourced by every script: strict mode, the repository as working directory, and what to do when a
# tool is missing (install it, or fail).

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The toolchain of the tools that need an unstable compiler.
NIGHTLY="${NIGHTLY:-nightly}"

need_nightly() {
    rustup toolchain list | grep -q "^$NIGHTLY" || rustup toolchain install "$NIGHTLY" --profile minimal
    for component in "$@"; do
        rustup component list --toolchain "$NIGHTLY" --installed | grep -q "^$component" ||
            rustup component add "$component" --toolchain "$NIGHTLY"
    done
}

need_component() {
    rustup component list --installed | grep -q "^$1" || rustup component add "$1"
}
