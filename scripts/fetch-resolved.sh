#!/usr/bin/env bash
# Unpacks Debian's systemd-resolved into .build/systemd-resolved, where a test runs it in a namespace. Does nothing where it is
# there already. It is not installed: that would put it in charge of this machine's names, /etc/resolv.conf included.
set -euo pipefail
cd "$(dirname "$0")/.."

target=.build/systemd-resolved
[ -x "$target/systemd-resolved" ] && exit 0
command -v apt-get >/dev/null || {
    echo "fetch-resolved.sh: not a Debian system; tests with systemd-resolved are skipped" >&2
    exit 0
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(
    cd "$work"
    timeout 300 apt-get download -qq systemd-resolved libsystemd-shared 2>/dev/null
    for package in *.deb; do dpkg-deb -x "$package" files; done
)
mkdir -p "$target.new"
find "$work/files" \( -name systemd-resolved -path '*/systemd/systemd-resolved' -o -name 'libsystemd-shared-*.so' \) \
    -type f -exec cp {} "$target.new/" \;
mv -T "$target.new" "$target"
