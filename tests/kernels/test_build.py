# SPDX-License-Identifier: GPL-2.0-only
"""The module builds for every kernel, without a warning by gcc (W=1) or sparse."""

import re
import subprocess

import pytest

from vm import Unavailable, kernels
from vm.paths import DRIVER, VM

# The kernel's own: its headers, and remarks on how it was built.
NOT_OURS = re.compile(
    r"^/usr/|^(\./)?include/|^arch/"
    r"|warning: the compiler differs from the one used to build the kernel"
    r"|pahole version differs from the one used to build the kernel")
COMPLAINT = re.compile(r"\b(warning|error|undefined|WARNING|ERROR|CHECK)\b.*", re.IGNORECASE)


def complaints(text):
    return [line for line in text.splitlines()
            if COMPLAINT.search(line) and not line.startswith("  CHECK ")
            and not NOT_OURS.search(line)]


@pytest.fixture
def built(request):
    try:
        return kernels.build_module(request.param)
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("built", kernels.HEADERS, indirect=True)
def test_builds_without_warning(built):
    directory, said = built
    assert (directory / "grabber.ko").exists()
    assert "CHECK" in said, "sparse was not run"
    assert not complaints(said), "\n".join(complaints(said))


def test_warnings_are_seen(tmp_path):
    """A module with a fault of each kind is complained about."""
    (tmp_path / "Kbuild").write_text("obj-m := bad.o\n")
    (tmp_path / "bad.c").write_text(
        "#include <linux/module.h>\n"
        "int no_prototype(void) { return 0; }\n"
        "int __user *address_space(int *p);\n"
        "int __user *address_space(int *p) { return p; }\n"
        'MODULE_LICENSE("GPL");\n')
    said = "\n".join(complaints(kernels.build_module("debug", source=tmp_path)[1]))
    assert "no previous prototype" in said
    assert "different address spaces" in said


def test_versions_are_not_compared():
    for path in sorted(DRIVER.rglob("*")):
        if path.is_file() and not path.name.endswith(kernels.PRODUCTS):
            text = path.read_text()
            for word in ("LINUX_VERSION_CODE", "KERNEL_VERSION", "linux/version.h"):
                assert word not in text, f"{path} has {word}: probe, do not compare"


@pytest.mark.parametrize("built", ["6.1", "6.12", "7.2"], indirect=True)
def test_size(built, record_property):
    """Code and data that stay in memory. What the kernel adds to every module, to unwind the
    stack, to patch calls and to check versions, depends on the kernel: it is not counted."""
    said = subprocess.run(["size", "-A", built[0] / "grabber.ko"], check=True,
                          capture_output=True, text=True).stdout
    sections = re.findall(r"^(\S+)\s+(\d+)\s+\d+$", said, re.MULTILINE)
    own = sum(int(size) for name, size in sections
              if re.match(r"\.(text|rodata|data|bss|ref\.data)\b|__param|__tracepoints|_ftrace", name))
    record_property("text_and_data", own)
    print(f"{own / 1024:.1f} KiB")
    assert 40 * 1024 < own < 128 * 1024


@pytest.mark.parametrize("module", ["keep", "noscan", "refuse", "slow", "splat"])
def test_harness_module_builds_cleanly(module):
    assert not complaints(kernels.build_module("debug", source=VM / module)[1])
