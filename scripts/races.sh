#!/usr/bin/env bash
# Runs the suites that use several threads under ThreadSanitizer: `races.sh [FILTER]`. Ends by itself, with an error at the
# first data race. A build of its own, in .build/races.
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${1:-'StoreTests|TransportTests|ResourceCache|SharedEncoding|DispatchPace|KubeClientTests|DataPlaneTests|ProxyEngineTests'}
mkdir -p .build/tmp
TMPDIR="$PWD/.build/tmp" swift build --quiet --build-tests --sanitize=thread --scratch-path .build/races
# The kill loop and what needs a machine's whole speed are for the plain run.
TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/scripts/races.suppressions" \
    timeout -k 10 "${limit:-900}" swift test --skip-build --sanitize=thread --scratch-path .build/races \
    --filter "$filter" --skip 'StoreCrashTests'
