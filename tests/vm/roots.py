# SPDX-License-Identifier: GPL-2.0-only
"""Debian roots, made by mmdebstrap and kept in the cache.

A "build" root has a suite's compiler, sparse and kernel headers; the module is
built inside it. Kernels to boot are unpacked in it under /kernel/NAME, without
running any of their scripts.
"""

import os
import shlex
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass

from . import cache
from .paths import LOGS

MIRROR = os.environ.get("GRABBER_MIRROR", "http://deb.debian.org/debian")
SECURITY = os.environ.get("GRABBER_SECURITY_MIRROR",
                          "http://deb.debian.org/debian-security")


class SuiteGone(Exception):
    """The mirror does not carry a suite (any more)."""


@dataclass(frozen=True)
class Suite:
    """A build root: which archives, which headers, which kernels to boot.

    headers and images are pairs of a kernel's name here and a regular
    expression for its package; the newest package that matches is taken.
    """
    name: str
    base: str
    overlays: tuple = ()
    security: bool = False
    headers: tuple = ()
    images: tuple = ()
    new_sparse: bool = False	# sid's: these headers are too new for the suite's


V = r"[0-9.+~a-z]*[0-9a-z]"

SUITES = {s.name: s for s in (
    Suite("bullseye", "bullseye", security=True,
          headers=(("5.10", rf"linux-headers-5\.10\.{V}(-[0-9]+)?-amd64"),),
          images=(("5.10", r"linux-image-5\.10\.[0-9.]+-[0-9]+-amd64"),)),
    # Without dma-bufs, and with few drivers
    Suite("bullseye-cloud", "bullseye", security=True,
          headers=(("5.10-cloud", rf"linux-headers-5\.10\.{V}(-[0-9]+)?-cloud-amd64"),),
          images=(("5.10-cloud", r"linux-image-5\.10\.[0-9.]+-[0-9]+-cloud-amd64"),)),
    Suite("bookworm", "bookworm", security=True,
          headers=(("6.1", r"linux-headers-6\.1\.[0-9.]+-[0-9]+-amd64"),
                   ("6.1-rt", r"linux-headers-6\.1\.[0-9.]+-[0-9]+-rt-amd64")),
          images=(("6.1", r"linux-image-6\.1\.[0-9.]+-[0-9]+-amd64"),)),
    Suite("trixie", "trixie", security=True,
          headers=(("6.12", rf"linux-headers-6\.12\.{V}-amd64"),
                   ("6.12-rt", rf"linux-headers-6\.12\.{V}-rt-amd64")),
          images=(("6.12", rf"linux-image-6\.12\.{V}-amd64"),
                  ("6.12-rt", rf"linux-image-6\.12\.{V}-rt-amd64"))),
    Suite("trixie-backports", "trixie", overlays=("trixie-backports",), new_sparse=True,
          headers=(("7.2", rf"linux-headers-7\.2\.{V}-amd64"),
                   ("7.2-rt", rf"linux-headers-7\.2\.{V}-rt-amd64"),
                   ("7.x", rf"linux-headers-[0-9]+\.{V}-amd64")),
          images=(("7.2", rf"linux-image-7\.2\.{V}-amd64"),)),
    Suite("experimental", "sid", overlays=("experimental",),
          headers=(("7.3-rc", r"linux-headers-7\.[3-9][^-]*-amd64"),)),
)}

# Run in the root with the package lists still there. Kernel packages are
# unpacked, not installed: their scripts would want an initramfs and a boot
# loader. From 7.2 on linux-image depends on packages that hold its parts.
_KERNELS = r"""
set -e
newest() { apt-cache pkgnames linux- | grep -xE "$1" | sort -V | tail -n 1; }
fetch_headers() { # NAME PATTERN
	pkg=$(newest "$2")
	[ -n "$pkg" ] || { echo "no package matches $2" >&2; return 0; }
	apt-get install -qq -y --no-install-recommends "$pkg" >/dev/null
	mkdir -p /kernel/"$1"
	echo "${pkg#linux-headers-}" >/kernel/"$1"/headers
}
fetch_image() { # NAME PATTERN
	pkg=$(newest "$2")
	[ -n "$pkg" ] || { echo "no package matches $2" >&2; return 0; }
	parts=$(apt-cache depends "$pkg" |
		sed -nE 's/^ *Depends: (linux-(base-[0-9]|binary-|modules-).*)/\1/p')
	mkdir -p /kernel/"$1"/debs
	(cd /kernel/"$1"/debs && apt-get download -qq $pkg $parts)
	for deb in /kernel/"$1"/debs/*.deb; do
		dpkg-deb -x "$deb" /kernel/"$1"
	done
	rm -r /kernel/"$1"/debs
	[ -e /kernel/"$1"/lib ] || ln -s usr/lib /kernel/"$1"/lib
	version=$(ls /kernel/"$1"/lib/modules)
	echo "$version" >/kernel/"$1"/version
	depmod -b /kernel/"$1" "$version"
}
sid_sparse() { # MIRROR
	echo "deb $1 sid main" >/etc/apt/sources.list.d/sid.list
	apt-get update -qq
	(cd /tmp && apt-get download -qq sparse/sid && dpkg-deb -x sparse_*.deb sparse)
	/tmp/sparse/usr/bin/sparse --version
	cp /tmp/sparse/usr/bin/sparse /usr/bin/sparse
	rm -r /tmp/sparse* /etc/apt/sources.list.d/sid.list
}
"""

# Debian's headers lack a script of the kernel's by which C=1 makes sure that
# sparse works, and then does without sparse.
_CHECKER = r"""
for scripts in /usr/src/linux-headers-*-common/scripts; do
	[ -e $scripts/checker-valid.sh ] && continue
	printf '#!/bin/sh\n"$1" --version >/dev/null && echo 1\n' >$scripts/checker-valid.sh
	chmod +x $scripts/checker-valid.sh
done
"""


def exists(mirror, suite):
    """Does MIRROR carry SUITE? Network trouble is an error, not a no."""
    url = f"{mirror}/dists/{suite}/Release"
    for attempt in (1, 2, 3):
        try:
            with urllib.request.urlopen(url, timeout=30):
                return True
        except urllib.error.HTTPError as error:
            if error.code in (403, 404, 410):
                return False
            problem = error
        except OSError as error:
            problem = error
    raise RuntimeError(f"cannot reach {url}: {problem}; is the network up?")


def sources(suite):
    lines = []
    for name in (suite.base, *suite.overlays):
        if not exists(MIRROR, name):
            raise SuiteGone(f"{MIRROR} no longer carries {name}")
        lines.append(f"deb {MIRROR} {name} main")
    if suite.security and exists(SECURITY, f"{suite.base}-security"):
        lines.append(f"deb {SECURITY} {suite.base}-security main")
    return lines


def mmdebstrap(tmp, suite, sources, include, variant="apt", options=(), hook=""):
    """Make a root at TMP; its whole output goes to a log that errors name."""
    # Check-Valid-Until: suites that are archived, or mirrored late, are good
    # enough to test with; the signatures are checked all the same.
    command = ["mmdebstrap", "--mode=root", f"--variant={variant}",
               "--aptopt=Acquire::Check-Valid-Until \"false\"",
               "--aptopt=Acquire::Languages \"none\"",
               "--aptopt=Acquire::Retries \"3\"",
               "--dpkgopt=force-unsafe-io",
               *(f"--dpkgopt=path-exclude=/usr/share/{d}/*"
                 for d in ("doc", "man", "locale", "info")),
               *options, f"--include={','.join(include)}"]
    if hook:
        command.append("--customize-hook=chroot \"$1\" sh -c " + shlex.quote(hook))
    run_logged([*command, suite, str(tmp), *sources], f"root-{tmp.name}")


# A private mount and process namespace: whatever ends a build, nothing of it
# stays running or mounted.
_CONTAINED = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid",
              "--fork", "--kill-child", "--mount-proc"]


def run_logged(command, name, **kwargs):
    """Run a command that says much; show the end of it only when it fails."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with open(log, "wb") as out:
        rc = subprocess.run([*_CONTAINED, *command], stdin=subprocess.DEVNULL,
                            stdout=out, stderr=out, **kwargs).returncode
    text = log.read_text(errors="replace")
    if rc:
        tail = "\n".join(text.splitlines()[-20:])
        raise RuntimeError(f"{command[0]} failed (exit status {rc}):\n{tail}\n"
                           f"The whole of it is in {log}.")
    return text


def run_in(root, command, name, **kwargs):
    """run_logged() inside a root, with a /proc that only the command sees."""
    enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    return run_logged(["sh", "-c", enter, str(root), "env", "-u", "MAKEFLAGS",
                       "-u", "MAKELEVEL", *command], name, **kwargs)


def build_root(name):
    """The build root of a suite of SUITES."""
    suite = SUITES[name]
    hook = _KERNELS
    for kind, wanted in (("headers", suite.headers), ("image", suite.images)):
        for kernel, pattern in wanted:
            hook += f"fetch_{kind} {kernel} {shlex.quote(pattern)}\n"
    hook += _CHECKER
    if suite.new_sparse:
        hook += f"sid_sparse {MIRROR}\n"
    include = ["gcc", "make", "libc6-dev", "sparse", "kmod"]

    def make(tmp):
        mmdebstrap(tmp, suite.base, sources(suite), include, hook=hook)

    recipe = repr((suite, include, hook))
    return cache.entry(f"build-{name}", recipe, make,
                       f"the Debian {name} build root (about 50 s)")


def qemu_root():
    """A root with the newest packaged QEMU, to be run without chroot."""
    base, overlay = "trixie", "trixie-backports"
    options = [f"--aptopt=APT::Default-Release \"{overlay}\""]

    def make(tmp):
        suite = Suite("qemu", base, overlays=(overlay,))
        mmdebstrap(tmp, base, sources(suite), ["qemu-system-x86"],
                   variant="extract", options=options)

    return cache.entry("qemu", repr((base, overlay, options)), make,
                       f"a root with QEMU of Debian's {overlay} (about 10 s)")
