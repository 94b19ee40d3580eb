#!/usr/bin/env bash
# Runs every benchmark of Benchmarks/ beside its peers. Figures are ratios within one run: machines differ and drift.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-dependencies.sh bench
scripts/build.sh >/dev/null
for benchmark in Benchmarks/*.sh; do
    printf '\n==> %s\n' "$benchmark"
    bash "$benchmark"
done
