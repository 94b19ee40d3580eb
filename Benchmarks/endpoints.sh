#!/usr/bin/env bash
# One change of endpoints beside 10,000 Services and route tables. Options go to Endpoints/endpoints.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=${MARTLET:-../.build/release/martlet}
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
# Each Service has a listening socket.
ulimit -n "$(ulimit -H -n)"
python3 Endpoints/endpoints.py --martlet "$martlet" "$@"
