#!/usr/bin/env bash
# Everything that `make test` promises: dependencies, format, build, clients, all tests. Ends by itself.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n==> %s (%(%H:%M:%S)T)\n' "$1" -1; }

step "Debian packages"
scripts/install-dependencies.sh test

step "Format"
scripts/lint.sh

# Connections of tests have both ends here. More than this some programs close one by one at their start.
hard=$(ulimit -Hn)
if [ "$hard" = unlimited ] || [ "$hard" -gt 8192 ]; then hard=8192; fi
ulimit -Sn "$hard"

step "Build (debug, with tests), free of warnings"
scripts/build-tests.sh

step "Clients: C on libcurl, Python, schemathesis"
scripts/build-clients.sh
scripts/build-schemathesis.sh

step "Tests, and fuzzing beside them: the corpus and a fixed number of mutations"
if [ $# -gt 0 ]; then exec swift test --skip-build --no-parallel "$@"; fi

# Three lanes beside each other. What starts processes waits far more than it computes; packets, in namespaces of their own,
# follow. Suites that open sockets or start threads run one after the other; those that only compute run as many at a time as
# there are processors. The machines with kernels of their own, and the fuzzer, get what the others leave.
pure='^(APIResources|CEL|Convention|KubeModel|NetworkTypes|Patching|TrafficModel|WatchCache)Tests\.'
processes='^EndToEndTests\.'
packets='^PacketTests\.'
guests='^PacketTests\.GuestTests'
export NO_COLOR=1
tests=("$(swift build --show-bin-path)/martletPackageTests.xctest" --testing-library swift-testing)
output=$(mktemp -d)
run() { # NAME ARGUMENT…: what it prints is kept as well, for the last words below
    "${tests[@]}" "${@:2}" 2>&1 | tee "$output/$1"
    return "${PIPESTATUS[0]}"
}
{
    besides=0
    run processes --no-parallel --filter "$processes" || besides=1
    run packets --no-parallel --filter "$packets" --skip "$guests" || besides=1
    exit "$besides"
} &
beside=$!
{
    behind=0
    renice -n 10 -p "$BASHPID" > /dev/null
    run guests --no-parallel --filter "$guests" || behind=1
    renice -n 19 -p "$BASHPID" > /dev/null
    scripts/fuzz.sh > "$output/fuzzing" 2>&1 || behind=1
    exit "$behind"
} &
behind=$!
trap 'kill "$beside" "$behind" 2> /dev/null || true; rm -rf "$output"' EXIT
status=0
run pure --filter "$pure" || status=1
run sockets --no-parallel --skip "$pure" --skip "$processes" --skip "$packets" || status=1
wait "$beside" || status=1
wait "$behind" || status=1
if [ -s "$output/fuzzing" ]; then cat "$output/fuzzing"; else echo "Fuzzing: nothing was found"; fi
# What failed, once more where it is found: each part with its issues, or with its last lines when it did not come to its end.
for part in pure sockets packets processes guests; do
    grep -aE '^✘|^.?.?Fatal |crashed:' "$output/$part" | head -n 60 || true
    grep -aqE '^[^ ]+ Test run with' "$output/$part" && continue
    printf '\n%s did not come to its end; its last tests:\n' "$part"
    grep -aE '^[^ ]+ (Test|Suite) ' "$output/$part" | tail -n 5 || true
done
step "Done: $([ "$status" = 0 ] && echo "no test failed" || echo "tests failed")"
exit "$status"
