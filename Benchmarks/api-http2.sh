#!/usr/bin/env bash
# The API server over HTTP/2 beside nginx with files of the same bytes. MARTLET may name several binaries, as
# LABEL=PATH separated by spaces, which take turns. Options go to API/http2.py.
set -euo pipefail
cd "$(dirname "$0")"
martlet=${MARTLET:-../.build/release/martlet}
for binary in $martlet; do
    [ -x "${binary#*=}" ] || {
        echo "${binary#*=} is missing; build first: scripts/build.sh" >&2
        exit 69
    }
done
swift build -c release --product api-load >&2
# shellcheck disable=SC2086 # one word for each binary
python3 API/http2.py --martlet $martlet --load .build/release/api-load "$@"
