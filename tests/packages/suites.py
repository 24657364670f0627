# SPDX-License-Identifier: GPL-2.0-only
"""The Debian suites that packages are built and tested on, and their roots.

A test root has DKMS, systemd and an older kernel with its headers installed; a
newer kernel's packages lie downloaded in apt's cache, so that tests need no
network and find the same archive each time.
"""

from dataclasses import dataclass

from vm import cache, debian, roots


@dataclass(frozen=True)
class Suite:
    name: str
    number: str
    older: str		# the suite that has the older kernel
    newer: str		# and the one that has the newer
    sources: tuple	# suites of the main archive
    security: bool = True


SUITES = {s.name: s for s in (
    Suite("bullseye", "11", "bullseye", "bullseye-security", ("bullseye",)),
    Suite("bookworm", "12", "bookworm", "bookworm-security", ("bookworm",)),
    Suite("trixie", "13", "trixie", "trixie-security", ("trixie",)),
    Suite("sid", "sid", "testing", "unstable", ("sid", "testing"), security=False),
)}

# What a user's machine has, beside what DKMS pulls in.
_COMMON = [p for p in debian.PACKAGES if p != "libpng16-16"]
_PACKAGES = _COMMON + ["dkms", "openssl", "passwd", "initramfs-tools"]

_HOOK = """
set -e
export DEBIAN_FRONTEND=noninteractive INITRD=No
useradd -m -G video watcher
useradd -m stranger
apt-get install -qq -y --no-install-recommends linux-image-amd64/OLDER linux-headers-amd64/OLDER
apt-get install -qq -y --no-install-recommends --download-only \
	linux-image-amd64/NEWER linux-headers-amd64/NEWER
for package in libpng16-16 libpng16-16t64 mokutil; do
	apt-get install -qq -y --no-install-recommends --download-only $package || true
done
"""


def _setup(older, newer):
    agent = (f"cat >/etc/systemd/system/grabber-agent.service <<'END'\n{debian.UNIT}END\n"
             f"cat >/usr/local/sbin/grabber-agent <<'END'\n{debian.START}END\n"
             f"chmod 755 /usr/local/sbin/grabber-agent\n{debian.SETUP}")
    return agent + _HOOK.replace("OLDER", older).replace("NEWER", newer)


def _lines(suite):
    lines = []
    for name in suite.sources:
        if not roots.exists(roots.MIRROR, name):
            raise roots.SuiteGone(f"{roots.MIRROR} no longer carries {name}")
        lines.append(f"deb {roots.MIRROR} {name} main")
    if suite.security and roots.exists(roots.SECURITY, f"{suite.name}-security"):
        lines.append(f"deb {roots.SECURITY} {suite.name}-security main")
    return lines


# apt's lists and the packages in its cache stay.
_KEEP = ("--skip=cleanup/apt", "--skip=cleanup/tmp")


def test_root(name, extra=(), label=""):
    """label: a name for a root with extra packages."""
    suite = SUITES[name]
    packages = [*_PACKAGES, *extra]
    options = [*_KEEP]
    if len(suite.sources) > 1:
        options.append(f"--aptopt=APT::Default-Release \"{suite.newer}\"")
    hook = _setup(suite.older, suite.newer)

    def make(tmp):
        roots.mmdebstrap(tmp, suite.name, _lines(suite), packages,
                         options=options, hook=hook)

    recipe = repr((suite, packages, options, hook))
    return cache.entry(f"packages-{name}{label}", recipe, make,
                       f"the Debian {suite.number} root for package tests (about 90 s)")


def tool_root(suite, packages, about):
    """A root to build or to check packages in."""
    def make(tmp):
        roots.mmdebstrap(tmp, suite, roots.sources(roots.SUITES[suite]), packages)

    return cache.entry(f"tools-{suite}-{about}", repr(packages), make,
                       f"a Debian {suite} root with {about} (about 60 s)")
