#!/usr/bin/env bash
# Installs the Debian packages that are missing: `build` (libraries and compiler tools), `run` (and what the example
# uses) or `test` (and what the tests drive). Does nothing, and asks for no rights, when everything is there.
set -euo pipefail

build=(libcrypt-dev libssl-dev libnghttp2-dev libre2-dev libsqlite3-dev libsystemd-dev libxxhash-dev libyaml-dev
    zlib1g-dev pkg-config)
run=("${build[@]}" curl ca-certificates)
test=("${run[@]}" apache2-utils gcc libc6-dev libcurl4-openssl-dev openssl python3 python3-venv iproute2 procps
    bind9-dnsutils bird2 frr iptables binutils busybox-static dbus-daemon nghttp2-client nginx-light qemu-system-x86 systemd)
bench=("${test[@]}" haproxy wrk dnsperf unbound dnsmasq-base)

want=${1:-build}
case "$want" in
build) packages=("${build[@]}") ;;
run) packages=("${run[@]}") ;;
test) packages=("${test[@]}") ;;
bench) packages=("${bench[@]}") ;;
*)
    echo "usage: install-dependencies.sh build|run|test|bench" >&2
    exit 64
    ;;
esac
if [ "$want" != build ] && ! command -v kubectl >/dev/null; then packages+=(kubernetes-client); fi

if ! command -v swift >/dev/null; then
    echo "Swift 6.3 is not on PATH. Install it from https://www.swift.org/install/linux/ and try again." >&2
    exit 69
fi
command -v dpkg-query >/dev/null || {
    echo "This is not a Debian system; please install the equivalents of: ${packages[*]}" >&2
    exit 0
}

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
fetch_parts() {
    case "$want" in
    test | bench)
        # Tests boot a kernel that has what this machine's may lack.
        "$(dirname "$0")/fetch-guest-kernel.sh" \
            || echo "There is no kernel to boot in tests: packets of the mode ipvs will not be tested." >&2
        # Tests run this one in a namespace: installed, it would take over the machine's names.
        "$(dirname "$0")/fetch-resolved.sh" \
            || echo "There is no systemd-resolved for tests: --dns-host-resolver will not be tested against it." >&2
        ;;
    esac
}
if [ ${#missing[@]} -eq 0 ]; then
    fetch_parts
    exit 0
fi

echo "Installing Debian packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
export DEBIAN_FRONTEND=noninteractive
# Services that a package would start (nginx, haproxy, bird, frr) stay off: benchmarks and tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fetch_parts
