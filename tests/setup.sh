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
	trace-cmd linux-perf shellcheck man-db pkgconf zstd libibverbs-dev ibverbs-providers
	iproute2 verilator yosys"
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

# Half of the tests build, mount and boot by such a path.
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cache=${XDG_CACHE_HOME:-${HOME-}/.cache}
plain='a-zA-Z0-9/._+~\200-\377-'
odd=$(printf %s "$cache" | LC_ALL=C tr -d "$plain")
[ -z "$odd" ] || fail "this cannot work with a cache that has '$odd' in its name" \
	"($cache): set XDG_CACHE_HOME to another directory."
[ "${1:-}" = check ] || plain=" '()@#%!&;=\$$plain"
odd=$(printf %s "$top" | LC_ALL=C tr -d "$plain")
[ -z "$odd" ] || fail "this cannot work in a directory with '$odd' in its name" \
	"($top): move it to another, or clone it there."

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=
for package in $packages; do
	installed "$package" || missing="$missing $package"
done
mkdir -p "$top/build/log"
log=$top/build/log/apt.log
export DEBIAN_FRONTEND=noninteractive
get() { apt-get install -y --no-install-recommends "$@"; }

if [ -n "$missing" ]; then
	say "installing$missing"
	# shellcheck disable=SC2086 # a list
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
