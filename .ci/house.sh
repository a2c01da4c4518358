# Proves the house rules that no lint knows; see house_rules.sh. Its own faults come first: each
# rule has to find what is planted against it.
source "$(dirname "$0")/setup.sh"
bash .ci/house_rules.sh .
plant="$(mktemp -d)"
trap 'rm -rf "$plant"' EXIT
fails_with() {
    rm -rf "$plant/src" && cp -r src "$plant/src"
    eval "$2"
    if bash .ci/house_rules.sh "$plant" >/dev/null; then
        echo "the rule on $1 did not see a fault"
        exit 1
    fi
}
fails_with "atomics" 'sed -i "1a use std::sync::atomic::AtomicU8;" "$plant/src/glob.rs"'
fails_with "loom" 'sed -i "1a use loom::thread;" "$plant/src/glob.rs"'
fails_with "orderings" 'sed -i "/ORDERING:/d" "$plant/src/clock/mod.rs"'
fails_with "edges" 'sed -i "/^\/\/! | .place→find/d" "$plant/src/table/mod.rs"'
fails_with "lengths" 'seq 700 | sed "s|^|// |" >>"$plant/src/glob.rs"'
fails_with "names" 'touch "$plant/src/utils.rs"'
