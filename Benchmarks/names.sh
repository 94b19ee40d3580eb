#!/usr/bin/env bash
# DNS of the data plane beside unbound and dnsmasq, asked by dnsperf. Options go to Names/names.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=${MARTLET:-../.build/release/martlet}
[ -x "$martlet" ] || {
    echo "build first: scripts/build.sh" >&2
    exit 69
}
for program in dnsperf unbound dnsmasq; do
    command -v "$program" >/dev/null || {
        echo "$program is needed: apt-get install dnsperf unbound dnsmasq-base" >&2
        exit 69
    }
done
ulimit -n "$(ulimit -H -n)"
python3 Names/names.py --martlet "$martlet" "$@"
