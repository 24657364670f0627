# SPDX-License-Identifier: GPL-2.0-only
"""The kernels: where each one's image, modules and headers are, and modules
built for it."""

import fcntl
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import clangkernel, debugkernel, roots
from .errors import Unavailable
from .paths import BUILD, DRIVER, TOP

# Kernels that guests boot, by the build root they are in.
BOOT = {"debug": None, "5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie",
        "6.12-rt": "trixie", "7.2": "trixie-backports"}
STOCK = [name for name in BOOT if name != "debug"]

# Built here, each by a module of that name's own.
OWN = {"debug": debugkernel, "clang": clangkernel}

# All kernels that the module is built for.
HEADERS = {"debug": None,
           **{kernel: suite.name for suite in roots.SUITES.values()
              for kernel, _ in suite.headers}}


@dataclass(frozen=True)
class Kernel:
    name: str
    root: Path		# the build root it is in

    @property
    def tree(self):
        return self.root / "kernel" / self.name

    def _line(self, name):
        path = self.tree / name
        if not path.exists():
            raise Unavailable(f"Debian's mirror has no package of kernel {self.name} "
                              f"(looked for when {self.root} was made)")
        return path.read_text().strip()

    @property
    def version(self):
        return self._line("version")

    @property
    def headers(self):
        """The version that modules are built for."""
        return self._line("headers")

    @property
    def image(self):
        version = self.version
        for path in (self.tree / f"boot/vmlinuz-{version}",
                     self.tree / f"usr/lib/modules/{version}/vmlinuz"):
            if path.exists():
                return path
        raise Unavailable(f"no kernel image of {version} in {self.tree}")

    @property
    def modules(self):
        return self.tree / "lib/modules" / self.version


def kernel(name):
    """Kernel NAME; makes the root that holds it when it is not there yet."""
    if name not in HEADERS and name not in OWN:
        raise ValueError(f"no kernel is called {name}; there are {', '.join(HEADERS)}")
    try:
        root = OWN[name].root() if name in OWN else roots.build_root(HEADERS[name])
    except roots.SuiteGone as gone:
        raise Unavailable(f"kernel {name}: {gone}") from gone
    return Kernel(name, root)


def tree_hash(*directories):
    """Of the names and contents of all files below."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in sorted(Path(directory).rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(directory)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


PRODUCTS = (".o", ".ko", ".mod", ".mod.c", ".cmd", ".d", ".symvers", ".order",
            "probed.h")


def copy_sources(source, target):
    """Copy a module's source, without what a build in place left there."""
    for path in sorted(Path(source).rglob("*")):
        if path.is_file() and not path.name.endswith(PRODUCTS):
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)
    if source == DRIVER:
        shutil.copy2(TOP / "VERSION", target)


# All warnings, and sparse.
CHECKS = ("W=1", "C=1")


def build_module(name, source=DRIVER, arguments=CHECKS):
    """Build the modules in SOURCE for kernel NAME inside its root.

    Returns the directory with the *.ko files and the compiler's output, both
    kept in build/modules until the source changes.
    """
    k = kernel(name)
    out = BUILD / "modules" / f"{Path(source).name}-{name}"
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out.with_name(out.name + ".lock"), "w") as lock, \
            tempfile.TemporaryDirectory(dir=k.root / "tmp", prefix="module-") as tmp:
        fcntl.flock(lock, fcntl.LOCK_EX)
        work = Path(tmp) / "src"
        copy_sources(source, work)
        shutil.copy2(TOP / "VERSION", work)
        stamp = f"{tree_hash(work)} {k.root} {k.headers} {' '.join(arguments)}\n"
        if (out / "stamp").exists() and (out / "stamp").read_text() == stamp:
            return out, (out / "log").read_text()
        inside = "/" + str(work.relative_to(k.root))
        text = roots.run_in(
            k.root, ["make", "-C", f"/lib/modules/{k.headers}/build", f"M={inside}",
                     *arguments, "modules"],
            f"module-{out.name}").replace(inside + "/", "")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for ko in work.rglob("*.ko"):
            shutil.copy2(ko, out)
        (out / "log").write_text(text)
        (out / "stamp").write_text(stamp)	# last: it says that all is there
    return out, text
