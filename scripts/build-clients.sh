#!/usr/bin/env bash
# Builds the foreign clients that the end-to-end tests run: the C client on libcurl and a virtual environment with
# the Python `kubernetes` client and a validator of OpenAPI documents. Both land below .build/clients.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.build/clients
mkdir -p "$out"

if [ ! -x "$out/watch-client" ] || [ Tests/Clients/c/watch-client.c -nt "$out/watch-client" ]; then
    cc -std=c11 -O1 -Wall -Wextra -Werror -o "$out/watch-client" Tests/Clients/c/watch-client.c -lcurl
fi

if [ ! -x "$out/python/bin/python" ]; then python3 -m venv "$out/python"; fi
if ! "$out/python/bin/python" -c 'import kubernetes, openapi_spec_validator' 2>/dev/null; then
    "$out/python/bin/pip" install --quiet --disable-pip-version-check 'kubernetes>=30' 'openapi-spec-validator>=0.7'
fi
