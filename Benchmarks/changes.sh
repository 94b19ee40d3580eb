#!/usr/bin/env bash
# Load of every kind through the data plane while everything about it changes: nothing may fail. Options go to
# Changes/changes.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=${MARTLET:-../.build/release/martlet}
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
ulimit -n "$(ulimit -H -n)"
python3 Changes/changes.py --martlet "$martlet" "$@"
