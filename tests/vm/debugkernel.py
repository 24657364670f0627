# SPDX-License-Identifier: GPL-2.0-only
"""The debug kernel, from Debian 12's linux-source and debug.config.

The cache entry is a Debian 12 root with the compiler in it. What remains of
the kernel tree, /usr/src/linux there, is what building modules takes.
"""

import os
import shutil
import threading

from . import cache, roots
from .paths import VM
from .progress import say

PACKAGES = ["gcc", "make", "libc6-dev", "sparse", "kmod", "bc", "bison", "flex",
            "libelf-dev", "libssl-dev", "xz-utils", "perl-base", "python3-minimal"]

UNPACK = r"""
set -e
cd /usr/src
pkg=$(apt-cache pkgnames linux-source-6.1 | head -n 1)
apt-get download -qq "$pkg"
dpkg-deb -x linux-source*.deb deb
mkdir linux
tar -C linux --strip-components=1 -xf deb/usr/src/linux-source-6.1.tar.xz
rm -r deb linux-source*.deb
# KASAN need not look at code that no driver's memory comes to, and that takes much of
# the time: of a boot (ACPI's interpreter), of each allocation (the unwinder), of a scan.
echo 'KASAN_SANITIZE := n' >>linux/drivers/acpi/acpica/Makefile
echo 'KASAN_SANITIZE_unwind_frame.o := n' >>linux/arch/x86/kernel/Makefile
echo 'KASAN_SANITIZE_kmemleak.o := n' >>linux/mm/Makefile
# Objects are released late, to find who uses them still: by 1/8 to 1/2 s, not 1 to 4.
# Each unload of a module waits for five of them, one after the other.
sed -i 's,delay = HZ + HZ \*,delay = HZ / 8 + HZ / 8 *,' linux/lib/kobject.c
grep -q 'delay = HZ / 8' linux/lib/kobject.c
# Tests let memory run out (guest/short_memory.c); what checks DMA must go on all the same.
sed -i '/RADIX_TREE(dma_active_cacheline/s/GFP_ATOMIC/& | __GFP_NOFAIL/' linux/kernel/dma/debug.c
grep -q 'dma_active_cacheline, GFP_ATOMIC | __GFP_NOFAIL' linux/kernel/dma/debug.c
"""

# What a module build needs stays: the build system, headers and its programs.
PRUNE = r"""
set -e
cd /usr/src/linux
find . -maxdepth 1 -mindepth 1 ! -name arch ! -name include ! -name scripts \
	! -name tools ! -name Makefile ! -name Kbuild ! -name Module.symvers \
	! -name .config ! -name vmlinux ! -name System.map -exec rm -r {} +
find arch -maxdepth 1 -mindepth 1 ! -name x86 -exec rm -r {} +
find tools -maxdepth 1 -mindepth 1 ! -name objtool ! -name include -exec rm -r {} +
find . -name '*.o' ! -path './scripts/*' ! -path './tools/*' -delete
find . -name '.*.cmd' ! -path './scripts/*' -delete
rm -rf arch/x86/boot/compressed arch/x86/kvm
"""


def _config_kept(tmp, name, wanted):
    """Every line that is wanted must have made it into .config."""
    config = (tmp / "usr/src/linux/.config").read_text().splitlines()
    lost = [line for line in wanted.splitlines()
            if line.startswith("CONFIG_") and line not in config]
    if lost:
        raise RuntimeError(f"the {name} kernel cannot have: " + ", ".join(lost) +
                           f"; mend tests/vm/{name}.config")


class _Watch(threading.Thread):
    """Says now and then how far the compiler got."""

    def __init__(self, name, tree):
        super().__init__(daemon=True)
        self.name = name
        self.tree = tree
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(60):
            done = sum(name.endswith(".o")
                       for _, _, names in os.walk(self.tree) for name in names)
            say(f"{self.name} kernel: {done} of about 1500 files compiled")


def make(tmp, name, config, packages=PACKAGES, options=()):
    """Make a root at TMP that has kernel NAME in it, built with these options of make."""
    suite = roots.SUITES["bookworm"]
    roots.mmdebstrap(tmp, "bookworm", roots.sources(suite), packages, hook=UNPACK)
    tree = tmp / "usr/src/linux"
    (tmp / "usr/src/wanted.config").write_text(config)
    command = ["make", "-C", "/usr/src/linux", f"-j{os.cpu_count()}", *options]
    env = dict(os.environ, KCONFIG_ALLCONFIG="/usr/src/wanted.config",
               KBUILD_BUILD_TIMESTAMP="1970-01-01", KBUILD_BUILD_USER="grabber",
               KBUILD_BUILD_HOST="grabber", LC_ALL="C")
    roots.run_in(tmp, [*command, "allnoconfig"], f"{name}-kernel-config", env=env)
    _config_kept(tmp, name, config)
    watch = _Watch(name, tree)
    watch.start()
    try:
        roots.run_in(tmp, [*command, "bzImage", "modules"], f"{name}-kernel-build", env=env)
    finally:
        watch.over.set()
    version = (tree / "include/config/kernel.release").read_text().strip()
    kernel = tmp / "kernel" / name
    (kernel / "boot").mkdir(parents=True)
    shutil.copy(tree / "arch/x86/boot/bzImage", kernel / f"boot/vmlinuz-{version}")
    shutil.copy(tree / ".config", kernel / f"boot/config-{version}")
    (kernel / "version").write_text(version + "\n")
    (kernel / "headers").write_text(version + "\n")
    (kernel / "lib/modules").mkdir(parents=True)
    where = tmp / "lib/modules" / version
    where.mkdir(parents=True, exist_ok=True)
    (where / "build").symlink_to("/usr/src/linux")
    roots.run_in(tmp, ["sh", "-c", PRUNE], f"{name}-kernel-prune")


def config():
    return (VM / "debug.config").read_text()


def root():
    """The root that holds the debug kernel, as kernel "debug"."""
    recipe = repr((PACKAGES, UNPACK, PRUNE, config()))
    return cache.entry("debug", recipe, lambda tmp: make(tmp, "debug", config()),
                       "the debug kernel (about 6 minutes)")
