#!/usr/bin/env bash
# Runs the suites that use several threads under ThreadSanitizer: `races.sh [TARGET...]`. Ends by itself, with an error when
# there was a data race or a test failed. A build of its own, in .build/races; the run takes about six minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("$@")
if [ $# -eq 0 ]; then
    targets=(SystemTests StoreTests WatchCacheTests TransportTests KubeClientTests DataPlaneTests ProxyEngineTests
        ControllersTests)
fi
mkdir -p .build/tmp
TMPDIR="$PWD/.build/tmp" swift build --quiet --build-tests --sanitize=thread --scratch-path .build/races
clang -shared -fPIC -O1 -o .build/races/races-mutex.so scripts/races-mutex.c -ldl

status=0
for target in "${targets[@]}"; do
    reports=$(mktemp -d -p .build/tmp)
    # A process of its own for each, as a report must not hide the next target's. The kill loop is for the plain run.
    LD_PRELOAD="$PWD/.build/races/races-mutex.so" TSAN_OPTIONS="exitcode=0 log_path=$PWD/$reports/race" \
        timeout -k 10 "${limit:-300}" .build/races/debug/martletPackageTests.xctest --testing-library swift-testing \
        --no-parallel --filter "^$target\." --skip StoreCrashTests > "$reports/output" 2>&1 ||
        { echo "$target: a test failed or the time is over" >&2; grep -a "recorded an issue" "$reports/output" >&2; status=1; }
    races=$(cat "$reports"/race.* 2> /dev/null | grep -c "WARNING: ThreadSanitizer" || true)
    echo "$target: $races races"
    if [ "$races" -gt 0 ]; then
        cat "$reports"/race.* >&2
        status=1
    fi
    rm -r "$reports"
done
exit $status
