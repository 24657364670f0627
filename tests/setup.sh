#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Installs from Debian what the demo and the tests need, where it is missing.
#
#   tests/setup.sh demo|check
set -eu

packages="python3 gcc make libc6-dev libpng-dev zlib1g-dev busybox-static mmdebstrap
	debian-archive-keyring kmod util-linux mount"
if [ "${1:-}" = check ]; then
	packages="$packages python3-pytest python3-pytest-xdist e2fsprogs g++ pahole perl git
	trace-cmd linux-perf shellcheck man-db pkgconf zstd"
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

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=
for package in $packages; do
	installed "$package" || missing="$missing $package"
done
mkdir -p "$(dirname "$0")/../build/log"
log=$(cd "$(dirname "$0")/../build/log" && pwd)/apt.log
export DEBIAN_FRONTEND=noninteractive
get() { apt-get install -y --no-install-recommends "$@"; }

if [ -n "$missing" ]; then
	say "installing$missing"
	if ! { apt-get update && get $missing; } >"$log" 2>&1; then
		tail -n 15 "$log" >&2
		fail "apt-get could not install$missing; all it said is in $log." \
			"Is the network up, and is Debian's main archive in /etc/apt?"
	fi
fi

# For 32-bit programs; left out where it would put cross compilers out, for it
# conflicts with them. The test that wants it says so then.
if [ "${1:-}" = check ] && ! installed gcc-multilib; then
	say "installing gcc-multilib"
	if ! { get --no-remove gcc-multilib ||
	       { apt-get update && get --no-remove gcc-multilib; }; } >>"$log" 2>&1; then
		say "did without gcc-multilib; $log says why"
	fi
fi
