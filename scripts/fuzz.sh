#!/usr/bin/env bash
# Feeds the decoders: `fuzz.sh` replays every committed input and tries a fixed number of mutations of each target, as
# `make test` does; `fuzz.sh SECONDS [TARGET...]` searches that long, and keeps what it finds in Fuzzing/.build/found.
set -euo pipefail
cd "$(dirname "$0")/../Fuzzing"

swift build --quiet
program=.build/debug/fuzz
found=.build/found
mkdir -p "$found"
# For sockets.
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
# A crash is reported by libFuzzer, which names the input; nothing waits for a terminal.
export TMPDIR SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:symbolize=0

seconds=${1:-}
if [ $# -gt 1 ]; then targets=("${@:2}"); else mapfile -t targets < <("$program" | tail -n +2); fi

# Bounds of every run: 4 KiB an input, 10 s for one (60 beside tests), 1 GiB of memory with the sanitizer's own.
patience=60
if [ -n "$seconds" ]; then patience=10; fi
bounds=(-max_len=4096 -timeout="$patience" -rss_limit_mb=1024 -print_final_stats=0 -verbosity=0 -symbolize=0)

run() {
    local target=$1 log="$found/$1.log"
    shift
    if ! timeout -k 5 "${limit:-600}" "$program" "$target" "$@" "${bounds[@]}" -artifact_prefix="$found/$target-" \
        < /dev/null > "$log" 2>&1; then
        echo "fuzz $target: failed" >&2
        grep -E "Fatal error|ERROR|SUMMARY|Test unit" "$log" >&2 || tail -20 "$log" >&2
        return 1
    fi
}

# One target after the other on each processor.
fuzz() {
    local target=$1 status=0
    if [ -z "$seconds" ]; then
        run "$target" Corpus/"$target"/* || status=1
        # The same mutations each time: the seed is fixed, and nothing is written into the corpus. A target that speaks TLS is
        # slow: it ends early on a slow machine, which is no failure.
        local scratch
        scratch=$(mktemp -d -p .build)
        run "$target" "$scratch" Corpus/"$target" -seed=1 -runs=3000 -max_total_time=45 || status=1
        rm -r "$scratch"
    else
        mkdir -p ".build/corpus/$target"
        limit=$((seconds + 60)) run "$target" ".build/corpus/$target" Corpus/"$target" -max_total_time="$seconds" || status=1
    fi
    return $status
}

for target in "${targets[@]}"; do
    if [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; then wait -n || true; fi
    { fuzz "$target" || echo "$target" >> "$TMPDIR/failed"; } &
done
wait
[ ! -e "$TMPDIR/failed" ]
