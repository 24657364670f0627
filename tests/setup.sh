#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Installs from Debian what the demo and the tests need, where it is missing.
#
#   tests/setup.sh demo|check
set -eu

packages="python3 gcc make libc6-dev libpng-dev zlib1g-dev busybox-static mmdebstrap
	debian-archive-keyring kmod util-linux mount"
if [ "${1:-}" = check ]; then
	packages="$packages python3-pytest python3-pytest-xdist e2fsprogs g++ pahole perl git"
fi

label=${GRABBER_LABEL:-setup}
start=${GRABBER_START:-$(date +%s)}
say() { echo "[$label $(($(date +%s) - start))s] $*"; }
fail() { echo "$label: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "this needs root, to install packages and to make" \
	"Debian roots in a cache: run it with sudo."
if [ "$(uname -m)" != x86_64 ]; then
	fail "this needs an amd64 machine; this one is $(uname -m)."
fi
command -v apt-get >/dev/null || fail "this needs Debian 12 or 13 (or a relative of theirs), for apt."

missing=
for package in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

say "installing$missing"
mkdir -p "$(dirname "$0")/../build/log"
log=$(cd "$(dirname "$0")/../build/log" && pwd)/apt.log
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 15 "$log" >&2
	fail "apt-get could not install$missing; all it said is in $log." \
		"Is the network up, and is Debian's main archive in /etc/apt?"
fi
