#!/usr/bin/env bash
# The JSON parser and encoder beside Foundation's.
set -euo pipefail
cd "$(dirname "$0")"
swift build -c release --product json-benchmark >&2
.build/release/json-benchmark
