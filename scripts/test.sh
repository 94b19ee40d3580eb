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

step "Fuzzing: the corpus and a fixed number of mutations"
scripts/fuzz.sh

# One after the other: tests of timers, leases and backpressure share two cores badly with hundreds of others.
step "Tests"
swift test --skip-build --no-parallel "$@"
