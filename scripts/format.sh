#!/usr/bin/env bash
# Rewrites the sources in the format of .swift-format.
set -euo pipefail
cd "$(dirname "$0")/.."
# In portions, for the reason that lint.sh gives.
find Package.swift Sources Tests Benchmarks Fuzzing -name .build -prune -o -name '*.swift' -print0 \
    | xargs -0 -n 400 swift format --in-place --parallel
