#!/usr/bin/env bash
# Unpacks Debian's kernel for clouds, which has IPVS and flowtables, into .build/guest-kernel: tests boot it in qemu. Does
# nothing where it is there already; installs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

target=.build/guest-kernel
[ -e "$target/vmlinuz" ] && exit 0
command -v apt-get >/dev/null && [ "$(dpkg --print-architecture)" = amd64 ] || {
    echo "fetch-guest-kernel.sh: not a Debian system for amd64; tests of IPVS and flowtables by packets are skipped" >&2
    exit 0
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -1)
[ -n "$package" ] || {
    echo "fetch-guest-kernel.sh: apt knows no linux-image-cloud-amd64 (apt-get update?)" >&2
    exit 1
}
(cd "$work" && timeout 300 apt-get download -qq "$package" 2>/dev/null && dpkg-deb -x "$package"_*.deb files)
mkdir -p "$target.new/modules"
cp "$work"/files/boot/vmlinuz-* "$target.new/vmlinuz"
modules=$(echo "$work"/files/lib/modules/* "$work"/files/usr/lib/modules/* | tr ' ' '\n' | grep -v '\*' | head -1)
# All that belongs to networks, and what it counts checksums by; newer packages have them compressed.
find "$modules/kernel/net" "$modules/kernel/drivers/net" "$modules/kernel/lib" "$modules/kernel/crypto" \
    "$modules/kernel/arch/x86/crypto" -name '*.ko*' -exec cp {} "$target.new/modules/" \;
find "$target.new/modules" -name '*.xz' -exec unxz {} +
mv -T "$target.new" "$target"
