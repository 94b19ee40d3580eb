#!/usr/bin/env bash
# Memory of the data plane beside 10,000 Services of 10 endpoints. Options go to Memory/memory.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=${MARTLET:-../.build/release/martlet}
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
# In user space each Service has a listening socket.
ulimit -n "$(ulimit -H -n)"
python3 Memory/memory.py --martlet "$martlet" "$@"
