# Checks a tree's `src` against the house rules; prints what breaks them.
#
# * Atomics and loom come through src/sync.rs only (tests and models may name the real ones).
# * An `ORDERING:` comment stands at most eight lines above every ordering.
# * Every edge that a comment names is a row of the table of its module's document.
# * No file is longer than 600 lines, none is called utils.
set -euo pipefail
cd "$1"
faults=0
fault() {
    echo "$1"
    faults=1
}
mapfile -t files < <(find src -name '*.rs' | sort)
for file in "${files[@]}"; do
    (($(wc -l <"$file") <= 600)) || fault "$file: longer than 600 lines"
    case "$file" in
    */utils.rs | */util.rs | */helpers.rs) fault "$file: say what it is" ;;
    src/sync.rs | src/model.rs | */tests.rs | */tests/* | */loom.rs | */loom/* | */shuttle.rs) continue ;;
    esac
    # What follows a file's own tests is not the library.
    code="$(awk '/^#\[cfg\(.*test/ { exit } { print }' "$file")"
    if grep -nE 'std::sync::atomic|core::sync::atomic|crossbeam_utils::atomic' <<<"$code"; then
        fault "$file: atomics come from crate::sync"
    fi
    if grep -nE "\bloom::(sync|thread|cell|model)" <<<"$code"; then
        fault "$file: loom comes from crate::sync"
    fi
    awk -v file="$file" '
        /ORDERING:/ { last = NR; seen = 1 }
        /Ordering::(Relaxed|Acquire|Release|AcqRel|SeqCst)/ && !/ORDERING:/ {
            if (!seen || NR - last > 8) { print file ":" NR ": no ORDERING: line"; bad = 1 }
        }
        END { exit bad }' <<<"$code" || faults=1
    tables="$file"
    directory="$(dirname "$file")"
    [[ -f $directory/mod.rs ]] && tables+=" $directory/mod.rs"
    while read -r edge; do
        # shellcheck disable=SC2086
        grep -qF "//! | \`$edge\`" $tables || fault "$file: edge $edge is no row of its table"
    done < <(grep -v '^//!' <<<"$code" | grep -oE '`[a-z]+→[a-z]+`' | tr -d '`' | sort -u)
done
exit $faults
