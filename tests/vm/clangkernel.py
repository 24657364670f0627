# SPDX-License-Identifier: GPL-2.0-only
"""A kernel built by clang and lld (make LLVM=1), as some distributions' are, of the debug
kernel's sources and clang.config."""

from . import cache, debugkernel
from .paths import VM

PACKAGES = [*(p for p in debugkernel.PACKAGES if p != "gcc"), "clang", "lld", "llvm"]


def root():
    """The root that holds it, as kernel "clang". There is no gcc in it."""
    config = (VM / "clang.config").read_text()
    recipe = repr((PACKAGES, debugkernel.UNPACK, debugkernel.PRUNE, config))
    return cache.entry("clang", recipe, lambda tmp: debugkernel.make(
        tmp, "clang", config, PACKAGES, ["LLVM=1"]), "a kernel built by clang (about 4 minutes)")
