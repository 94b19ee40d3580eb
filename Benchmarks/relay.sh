#!/usr/bin/env bash
# The relay of the mode userspace beside HAProxy in TCP mode. Options go to Relay/relay.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=$(realpath "${MARTLET:-../.build/release/martlet}")
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cc -O2 -Wall -o "$folder/flows" Flows/flows.c
python3 Relay/relay.py --martlet "$martlet" --flows "$folder/flows" "$@"
