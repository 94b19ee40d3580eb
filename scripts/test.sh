#!/usr/bin/env bash
# Everything that `make test` promises: dependencies, format, build, clients, all tests. Ends by itself.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n==> %s (%(%H:%M:%S)T)\n' "$1" -1; }

step "Debian packages"
scripts/install-dependencies.sh test

step "Format"
scripts/lint.sh

step "Build (debug, with tests)"
swift build --build-tests

step "Clients: C on libcurl, Python, schemathesis"
scripts/build-clients.sh
scripts/build-schemathesis.sh

step "Fuzzing: the corpus and a fixed number of mutations"
scripts/fuzz.sh

# One after the other: tests of timers, leases and backpressure share two cores badly with hundreds of others.
step "Tests"
swift test --skip-build --no-parallel "$@"
