# SPDX-License-Identifier: GPL-2.0-only
"""The .deb packages under test, and later versions of them to upgrade to."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from vm import kernels
from vm.paths import BUILD, TOP

from . import build
from .machine import Machine

# Parts of the sources that no package has.
_BESIDE = ("tests", "build", ".ci", ".git")


def _state():
    digest = hashlib.sha256()
    for path in sorted(TOP.rglob("*")):
        relative = path.relative_to(TOP)
        if relative.parts[0] not in _BESIDE and path.is_file() and \
                not path.name.endswith(kernels.PRODUCTS):
            digest.update(f"{relative}\0{path.stat().st_mode}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def current():
    """{name: file} of the packages of the sources as they are."""
    BUILD.mkdir(exist_ok=True)
    stamp = BUILD / "packages.stamp"
    with open(BUILD / "packages.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _state()
        if not stamp.exists() or stamp.read_text() != state or not _found():
            build.deb()
            stamp.write_text(state)
    return _found()


def _found():
    return {p.name.split("_")[0]: p for p in sorted(build.PACKAGES.glob("*.deb"))
            if "-dbgsym" not in p.name}


def changed(package, version, to, edit=lambda tree: None):
    """grabber-dkms as a later release might be: another version, and what edit(tree)
    does to its unpacked files. Made from the package itself."""
    tree = Path(to) / f"tree-{version}"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    old = subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True,
                         capture_output=True, text=True).stdout.strip().split("-")[0]
    (tree / f"usr/src/grabber-{old}").rename(tree / f"usr/src/grabber-{version}")
    for path in [tree / "DEBIAN/control", tree / "DEBIAN/postinst", tree / "DEBIAN/prerm",
                 tree / "usr/libexec/grabber/build-all",
                 *[tree / f"usr/src/grabber-{version}/{n}" for n in ("dkms.conf", "VERSION")]]:
        path.write_text(path.read_text().replace(old, version))
    (tree / "DEBIAN/md5sums").unlink()
    edit(tree)
    deb = Path(to) / f"grabber-dkms_{version}-1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, deb],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return deb
