#!/usr/bin/env bash
# Builds everything with its tests for debugging, and fails where the compiler warns about a file of ours.
set -euo pipefail
cd "$(dirname "$0")/.."

# The compiler keeps what macros expand to in the temporary folder, and beside the sources where that is another user's.
mkdir -p .build/tmp
log=.build/build-tests.log
TMPDIR="$PWD/.build/tmp" swift build --build-tests "$@" 2>&1 | tee "$log"

# What was compiled before is silent: a clean build, as in CI, shows all.
if grep -E "^$PWD/(Sources|Tests)/.*: warning: " "$log" | sort -u > .build/warnings.log; then
    echo "The compiler warns about $(wc -l < .build/warnings.log) places; warnings count as errors here:" >&2
    cat .build/warnings.log >&2
    exit 1
fi
