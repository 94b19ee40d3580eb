#!/usr/bin/env bash
# Fails where a source file is not in the format of .swift-format.
set -euo pipefail
cd "$(dirname "$0")/.."
# In portions: swift format holds every file that it is given open, and many shells allow 1,024.
find Package.swift Sources Tests Benchmarks Fuzzing -name .build -prune -o -name '*.swift' -print0 \
    | xargs -0 -n 400 swift format lint --strict --parallel
