#!/usr/bin/env bash
# The L7 proxy beside nginx and HAProxy. Options go to L7/l7.py.
set -euo pipefail
cd "$(dirname "$0")"
swift build -c release --product l7-runner >&2
python3 L7/l7.py --runner .build/release/l7-runner "$@"
