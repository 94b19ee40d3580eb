#!/usr/bin/env bash
# The API server beside the recorded figures of kube-apiserver and etcd. Options go to API/api.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=${MARTLET:-../.build/release/martlet}
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
swift build -c release --product api-load >&2
python3 API/api.py --martlet "$martlet" --load .build/release/api-load "$@"
