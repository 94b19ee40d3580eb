#!/usr/bin/env bash
# The API server beside the recorded figures of kube-apiserver and etcd. Options go to API/api.py.
set -euo pipefail
cd "$(dirname "$0")/.."
martlet=${MARTLET:-.build/release/martlet}
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
load=$(mktemp)
trap 'rm -f "$load"' EXIT
gcc -O2 -Wall -Wextra -pthread -o "$load" Benchmarks/API/load.c -lssl -lcrypto
python3 Benchmarks/API/api.py --martlet "$martlet" --load "$load" "$@"
