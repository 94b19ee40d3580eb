#!/usr/bin/env bash
# Builds the release binary; prints its path as the last line.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-dependencies.sh build >&2
swift build -c release --product martlet --static-swift-stdlib >&2
echo "$PWD/.build/release/martlet"
