#!/usr/bin/env bash
# What a process of a node pays for a Service, with and without --socket-mode. Options go to Socket/socket_mode.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=$(realpath "${MARTLET:-../.build/release/martlet}")
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
[ "$(id -u)" = 0 ] || {
    echo "skipped: namespaces and programs of control groups need root"
    exit 0
}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cc -O2 -Wall -o "$folder/flows" Flows/flows.c
# Networks and mounts of its own: nothing is left.
unshare --net --mount --propagation private \
    python3 Socket/socket_mode.py --martlet "$martlet" --flows "$folder/flows" "$@"
