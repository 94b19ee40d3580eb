#!/usr/bin/env bash
# A virtual environment with schemathesis (PyPI), which calls the API as its OpenAPI documents describe it. Lands below
# .build/clients.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.build/clients/schemathesis

if [ ! -x "$out/bin/python" ]; then python3 -m venv "$out"; fi
if [ ! -x "$out/bin/schemathesis" ]; then
    "$out/bin/pip" install --quiet --disable-pip-version-check 'schemathesis>=4,<5'
fi
